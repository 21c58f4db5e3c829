-- Delete the request log.
redis.call('UNLINK', unpack(KEYS))
return 1
