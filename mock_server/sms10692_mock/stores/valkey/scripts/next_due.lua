-- The first moments after now at which something falls due in either queue, as many as there are: now.
if not must_be_there() then
  return NO_ACCOUNT
end
local moments = {}
for _, name in ipairs({ 'reports', 'replies' }) do
  local first = redis.call('ZRANGEBYSCORE', queue(name).later_keys, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  moments[#moments + 1] = first[2]
end
return moments
