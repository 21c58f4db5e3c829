-- Fetch due items: move the cursor past them. An item is returned once.
-- ARGV: name of the queue, limit, now, request number, fetched items to store at least, or bytes of them.
-- Returns the lines.
if not account_exists() then
  return NO_ACCOUNT
end
local q, limit, now = queue(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local released = release_due(q, now)
local from = q.cursor - q.base
local number = math.min(limit, q.stop - q.cursor)
if number <= 0 then
  if released then
    save(q)
  end
  return ''
end
local items = redis.call('LRANGE', q.log, from, from + number - 1)
redis.call('ZADD', q.fetches, format_integer(q.cursor), format_integer(q.cursor) .. ' ' .. now .. ' ' .. ARGV[4])
q.cursor = q.cursor + number
for _, item in ipairs(items) do
  q.bytes = q.bytes + #item
end
local keep, keep_bytes = tonumber(ARGV[5]), tonumber(ARGV[6])
local fetched = from + number
if fetched > 2 * keep or q.bytes > 2 * keep_bytes then
  delete_fetched(q, keep, keep_bytes)
end
save(q)
return table.concat(items, '\n')
