-- Delete history of an account beyond these limits, but never the last task or the last fetched item of a queue.
-- ARGV: limits of messages and their bytes, of fetched reports and their bytes, of fetched replies and their bytes.
local fields = redis.call('HMGET', ACCOUNT, 'messages', 'evicted', 'text')
if not fields[1] then
  return NO_ACCOUNT
end
local messages, evicted, text = tonumber(fields[1]), tonumber(fields[2]), tonumber(fields[3])
evicted, text = evict_tasks(messages, evicted, text, tonumber(ARGV[1]), tonumber(ARGV[2]))
redis.call('HSET', ACCOUNT, 'text', format_integer(text))
for index, name in ipairs({ 'reports', 'replies' }) do
  local q = queue(name)
  delete_fetched(q, tonumber(ARGV[2 * index + 1]), tonumber(ARGV[2 * index + 2]))
  save(q)
end
return 1
