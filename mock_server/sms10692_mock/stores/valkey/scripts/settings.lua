-- Read the global settings.
-- ARGV: the cached versions of the settings and of the forbidden words.
-- Returns for each the version, and the text if the version is another one.
local fields = redis.call('HMGET', KEYS[1], 'version', 'words_version')
local reply = { fields[1] or '', false, fields[2] or '', false }
if reply[1] ~= ARGV[1] then
  reply[2] = redis.call('HGET', KEYS[1], 'document')
end
if reply[3] ~= ARGV[2] then
  reply[4] = redis.call('HGET', KEYS[1], 'words')
end
return reply
