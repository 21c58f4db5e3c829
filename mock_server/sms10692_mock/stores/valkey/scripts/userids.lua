-- The list of all userids in the order in which they came, from which of them, as by the indexes of ZRANGE; without
-- that, those that may have to go.
if ARGV[1] then
  return redis.call('ZRANGE', KEYS[1], ARGV[1], -1)
end
return redis.call('SMEMBERS', KEYS[2])
