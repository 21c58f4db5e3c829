-- Delete one request of the request log. ARGV: its number. Returns 1, or 0 if the log does not have it.
local ENTRIES, ALL, OF_USERIDS, STATE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local entry = redis.call('HGET', ENTRIES, ARGV[1])
if not entry then
  return 0
end
local bytes, userid = string.match(entry, '^(%d+) ([^\n]*)\n')
redis.call('HDEL', ENTRIES, ARGV[1])
redis.call('ZREM', ALL, ARGV[1])
redis.call('ZREM', OF_USERIDS, string.format('%s %016d', userid, tonumber(ARGV[1])))
redis.call('HINCRBY', STATE, 'bytes', '-' .. bytes)
return 1
