-- Replace the document of an account (compare and set).
-- ARGV: expected version, new version, document, postpaid (0 or 1), temporary (0 or 1), real time.
-- Returns nil, or the current version and document if the version is not the expected one.
local fields = redis.call('HMGET', KEYS[1], 'version', 'document', 'temporary')
if not fields[1] then
  return { err = 'NOACCOUNT there is no such account' }
end
if fields[1] ~= ARGV[1] then
  return { fields[1], fields[2] }
end
if fields[3] ~= ARGV[5] then
  redis.call('HSET', KEYS[1], 'used', ARGV[6]) -- not recorded for a permanent account
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'document', ARGV[3], 'postpaid', ARGV[4], 'temporary', ARGV[5])
return nil
