-- Whether an entry of the journal is there: its number.
return redis.call('HEXISTS', KEYS[1], ARGV[1])
