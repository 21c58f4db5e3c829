-- Write entries to the request log and delete the oldest beyond the limits. Idempotent: existing entries stay unchanged.
-- ARGV: limit of entries, limit of bytes, number of entries lost before they were written; then for each entry its
-- number, userid, bytes, document.
local ENTRIES, ALL, OF_USERIDS, STATE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local function of_userid(userid, number)
  return string.format('%s %016d', userid, tonumber(number))
end
for at = 4, #ARGV, 4 do
  local number, userid, bytes = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if redis.call('HSETNX', ENTRIES, number, bytes .. ' ' .. userid .. '\n' .. ARGV[at + 3]) == 1 then
    redis.call('ZADD', ALL, number, number)
    redis.call('ZADD', OF_USERIDS, 0, of_userid(userid, number))
    redis.call('HINCRBY', STATE, 'bytes', bytes)
  end
end
local bytes, length = tonumber(redis.call('HGET', STATE, 'bytes') or '0'), redis.call('ZCARD', ALL)
local evicted = tonumber(ARGV[3])
while length > tonumber(ARGV[1]) or bytes > tonumber(ARGV[2]) do
  local number = redis.call('ZPOPMIN', ALL)[1]
  local its_bytes, userid = string.match(redis.call('HGET', ENTRIES, number), '^(%d+) ([^\n]*)\n')
  redis.call('HDEL', ENTRIES, number)
  redis.call('ZREM', OF_USERIDS, of_userid(userid, number))
  bytes, length, evicted = bytes - tonumber(its_bytes), length - 1, evicted + 1
end
if evicted > 0 then
  redis.call('HSET', STATE, 'bytes', string.format('%d', bytes))
  redis.call('HINCRBY', STATE, 'evicted', evicted)
end
return 1
