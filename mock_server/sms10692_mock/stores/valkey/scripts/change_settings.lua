-- Replace the global settings (compare and set).
-- ARGV: expected version, new version, document; optionally a new version of the forbidden words and the words, '' for
-- the words that the emulator was started with.
-- Returns 1, or 0 if the version is not the expected one.
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'document', ARGV[3])
if ARGV[4] then
  redis.call('HSET', KEYS[1], 'words_version', ARGV[4], 'words', ARGV[5])
end
return 1
