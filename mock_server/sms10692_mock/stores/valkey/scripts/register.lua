-- Put a userid on the list of all, if it is not there, and on or off that of those that may have to go: userid, whether it
-- may. That are those to be thrown away, and those of whom nobody knows yet whether they came to be.
local list, throwaway, numbers = KEYS[1], KEYS[2], KEYS[3]
if not redis.call('ZSCORE', list, ARGV[1]) then
  redis.call('ZADD', list, redis.call('HINCRBY', numbers, 'accounts', 1), ARGV[1])
end
if ARGV[2] == '1' then
  redis.call('SADD', throwaway, ARGV[1])
else
  redis.call('SREM', throwaway, ARGV[1])
end
return 1
