-- Read the global settings.
-- ARGV: the cached versions of the settings and of the forbidden words.
-- Returns for each the version, and the text if the version is another one.
local kept = redis.call('HMGET', KEYS[1], 'version', 'words_version')
local answer = { kept[1] or '', false, kept[2] or '', false }
if answer[1] ~= ARGV[1] then
  answer[2] = redis.call('HGET', KEYS[1], 'document')
end
if answer[3] ~= ARGV[2] then
  answer[4] = redis.call('HGET', KEYS[1], 'words')
end
return answer
