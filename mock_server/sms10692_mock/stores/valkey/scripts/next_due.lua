-- The first moments after now at which something falls due in either queue, as many as there are: now.
if not must_be_there() then
  return NO_ACCOUNT
end
local moments = {}
for _, name in ipairs({ 'reports', 'replies' }) do
  local q = queue(name)
  if ripen(q, ARGV[1]) then
    save(q)
  end
  moments[#moments + 1] = redis.call('ZRANGE', q.later_keys, 0, 0, 'WITHSCORES')[2]
end
return moments
