-- Read the document of an account.
-- ARGV: the cached version; optionally real time, which becomes the last use of a temporary account.
-- Returns the version, and the document if the version is another one; nil if there is no such account.
local kept = redis.call('HMGET', KEYS[1], 'version', 'temporary')
if not kept[1] then
  return nil
end
if ARGV[2] and kept[2] == '1' then
  redis.call('HSET', KEYS[1], 'used', ARGV[2])
end
if kept[1] == ARGV[1] then
  return { kept[1] }
end
return { kept[1], redis.call('HGET', KEYS[1], 'document') }
