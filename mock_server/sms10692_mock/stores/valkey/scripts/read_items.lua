-- Read released items of a queue, and the fetches that cover them.
-- ARGV: name of the queue, first index, end index (exclusive), '1' to return the items.
-- Returns the life id of the account, number of requeues, index of the first item, the lines, the fetches.
if not account_exists() then
  return NO_ACCOUNT
end
local q = queue(ARGV[1])
local fields = redis.call('HMGET', ACCOUNT, 'life', q.prefix .. 'requeued')
local from, to = math.max(tonumber(ARGV[2]), q.base), math.min(tonumber(ARGV[3]), q.stop)
local items, fetches = {}, {}
if from < to then
  if ARGV[4] == '1' then
    items = redis.call('LRANGE', q.log, from - q.base, to - q.base - 1)
  end
  fetches = redis.call('ZREVRANGEBYSCORE', q.fetches, format_integer(from), '-inf', 'LIMIT', 0, 1)
  local others = redis.call('ZRANGEBYSCORE', q.fetches, '(' .. format_integer(from), '(' .. format_integer(to))
  for _, fetch in ipairs(others) do
    fetches[#fetches + 1] = fetch
  end
end
return { fields[1], tonumber(fields[2]), from, table.concat(items, '\n'), table.concat(fetches, '\n') }
