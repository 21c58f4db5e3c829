-- Reserve sequence numbers. ARGV: name of the sequence, how many. Returns the last of them.
return redis.call('HINCRBY', KEYS[3], ARGV[1], ARGV[2])
