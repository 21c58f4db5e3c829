-- Other settings in place of those of a version: that version, the new one, the document; and with other words, the
-- version of the words and the words, which are '' for those that the emulator was started with. Returns whether it
-- was done: not where another was quicker.
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'document', ARGV[3])
if ARGV[4] then
  redis.call('HSET', KEYS[1], 'words_version', ARGV[4], 'words', ARGV[5])
end
return 1
