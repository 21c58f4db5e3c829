-- Whether the request log contains a request. ARGV: its number.
return redis.call('HEXISTS', KEYS[1], ARGV[1])
