-- Write the schema version unless one is stored.
-- ARGV: the version of this program. Returns the stored version.
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return redis.call('GET', KEYS[1])
