-- Remove userids from both lists of accounts. ARGV: userids.
redis.call('ZREM', KEYS[1], unpack(ARGV))
redis.call('SREM', KEYS[2], unpack(ARGV))
return 1
