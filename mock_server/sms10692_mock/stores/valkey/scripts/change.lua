-- Other terms in place of those of a version: that version, the new one, document, whether post-paid, whether to be
-- thrown away. Returns nil, or where another was quicker, its version and document.
local kept = redis.call('HMGET', KEYS[1], 'version', 'document')
if not kept[1] then
  return { err = 'NOACCOUNT there is no such account' }
end
if kept[1] ~= ARGV[1] then
  return kept
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'document', ARGV[3], 'postpaid', ARGV[4], 'throwaway', ARGV[5])
return nil
