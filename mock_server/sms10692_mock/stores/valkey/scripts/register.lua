-- Register a userid in the list of all accounts, and add it to or remove it from the set of accounts that can expire.
-- ARGV: userid; '1' if it can expire: a temporary account, or one whose creation or deletion is in progress.
local list, temporary, numbers = KEYS[1], KEYS[2], KEYS[3]
if not redis.call('ZSCORE', list, ARGV[1]) then
  redis.call('ZADD', list, redis.call('HINCRBY', numbers, 'accounts', 1), ARGV[1])
end
if ARGV[2] == '1' then
  redis.call('SADD', temporary, ARGV[1])
else
  redis.call('SREM', temporary, ARGV[1])
end
return 1
