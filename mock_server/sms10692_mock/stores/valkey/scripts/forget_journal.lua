-- Empty the journal.
redis.call('UNLINK', unpack(KEYS))
return 1
