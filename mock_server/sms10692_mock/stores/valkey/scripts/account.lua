-- Read the document of an account.
-- ARGV: the cached version; optionally real time, which becomes the last use of a temporary account.
-- Returns the version, and the document if the version is another one; nil if there is no such account.
local fields = redis.call('HMGET', KEYS[1], 'version', 'temporary')
if not fields[1] then
  return nil
end
if ARGV[2] and fields[2] == '1' then
  redis.call('HSET', KEYS[1], 'used', ARGV[2])
end
if fields[1] == ARGV[1] then
  return { fields[1] }
end
return { fields[1], redis.call('HGET', KEYS[1], 'document') }
