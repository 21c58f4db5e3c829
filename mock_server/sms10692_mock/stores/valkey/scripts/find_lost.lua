-- Check which accounts should exist. ARGV: userids.
-- Returns whether the schema version is stored (if not, the server was flushed), and for each userid whether it is
-- registered as permanent, which excludes accounts that are being created or deleted at this time.
local reply = { redis.call('EXISTS', KEYS[4]) }
for at, userid in ipairs(ARGV) do
  reply[at + 1] = 0
  if redis.call('ZSCORE', KEYS[1], userid) and redis.call('SISMEMBER', KEYS[2], userid) == 0 then
    reply[at + 1] = 1
  end
end
return reply
