-- Delete history of an account beyond these limits, but never the last task or the last fetched item of a queue.
-- ARGV: limits of messages and their bytes, of fetched reports and their bytes, of fetched replies and their bytes.
local fields = redis.call('HMGET', ACCOUNT, 'messages', 'evicted', 'text', 'deleted')
if not fields[1] then
  return NO_ACCOUNT
end
local evicted, deleted = tonumber(fields[2]), tonumber(fields[4] or '0')
local stored = tonumber(fields[1]) - evicted - deleted
local text = evict_tasks(stored, evicted, tonumber(fields[3]), tonumber(ARGV[1]), tonumber(ARGV[2]))
redis.call('HSET', ACCOUNT, 'text', format_integer(text))
for index, name in ipairs({ 'reports', 'replies' }) do
  local q = queue(name)
  delete_fetched(q, tonumber(ARGV[2 * index + 1]), tonumber(ARGV[2 * index + 2]))
  save(q)
end
return 1
