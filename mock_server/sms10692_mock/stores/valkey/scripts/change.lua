-- Other terms in place of those of a version: that version, the new one, document, whether post-paid, whether to be
-- thrown away, real time. Returns nil, or where another was quicker, its version and document.
local kept = redis.call('HMGET', KEYS[1], 'version', 'document', 'throwaway')
if not kept[1] then
  return { err = 'NOACCOUNT there is no such account' }
end
if kept[1] ~= ARGV[1] then
  return { kept[1], kept[2] }
end
if kept[3] ~= ARGV[5] then
  redis.call('HSET', KEYS[1], 'used', ARGV[6]) -- it was not noted before
end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'document', ARGV[3], 'postpaid', ARGV[4], 'throwaway', ARGV[5])
return nil
