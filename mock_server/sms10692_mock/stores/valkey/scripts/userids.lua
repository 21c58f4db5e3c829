-- List userids.
-- ARGV: optionally the first index (as of ZRANGE) in the list of all accounts, in the order of creation.
-- Without an argument, returns the accounts that can expire.
if ARGV[1] then
  return redis.call('ZRANGE', KEYS[1], ARGV[1], -1)
end
return redis.call('SMEMBERS', KEYS[2])
