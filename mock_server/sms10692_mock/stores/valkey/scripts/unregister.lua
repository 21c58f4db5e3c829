-- Take userids off both lists: userids.
redis.call('ZREM', KEYS[1], unpack(ARGV))
redis.call('SREM', KEYS[2], unpack(ARGV))
return 1
