-- The list of all userids in the order in which they came, or of those to be thrown away: '1' for these.
if ARGV[1] == '1' then
  return redis.call('SMEMBERS', KEYS[2])
end
return redis.call('ZRANGE', KEYS[1], 0, -1)
