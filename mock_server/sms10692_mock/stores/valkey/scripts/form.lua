-- The form in which all is kept: the one that this program knows. Returns the one that is there, which is this where
-- nothing was kept before.
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
