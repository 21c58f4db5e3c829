-- Delete history of an account beyond these limits, but never the last task or the last fetched item of a queue.
-- ARGV: limits of messages and their bytes, of fetched reports and their bytes, of fetched replies and their bytes.
local kept = redis.call('HMGET', ACCOUNT, 'messages', 'evicted', 'text')
if not kept[1] then
  return NO_ACCOUNT
end
local _, text = evict_tasks(tonumber(kept[1]), tonumber(kept[2]), tonumber(kept[3]), tonumber(ARGV[1]), tonumber(ARGV[2]))
redis.call('HSET', ACCOUNT, 'text', whole(text))
for place, name in ipairs({ 'reports', 'replies' }) do
  local q = queue(name)
  delete_fetched(q, tonumber(ARGV[2 * place + 1]), tonumber(ARGV[2 * place + 2]))
  save(q)
end
return 1
