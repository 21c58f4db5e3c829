-- Read tasks.
-- ARGV: first index and end index (exclusive), counted from the first task ever; '1' to begin with the last; number of
-- messages after which to stop.
-- Returns the life id of the account, number of requeues of reports, index of the first task, the tasks in ascending
-- order, for each the index of the first report of each of its batches, '' if not due yet, and the numbers of the
-- deleted messages of these tasks.
local fields = redis.call('HMGET', ACCOUNT, 'life', 'rrequeued', 'evicted_tasks')
if not fields[1] then
  return NO_ACCOUNT
end
local evicted = tonumber(fields[3])
local from, to = math.max(tonumber(ARGV[1]) - evicted, 0), tonumber(ARGV[2]) - evicted
local backwards, remaining = ARGV[3] == '1', tonumber(ARGV[4])
local tasks, starts = {}, {}
while from < to and remaining > 0 do
  local number = math.min(to - from, 100)
  local first = backwards and to - number or from
  local chunk = redis.call('LRANGE', SENT, first, first + number - 1)
  if #chunk == 0 then
    break
  end
  local read = 0
  for index = 1, #chunk do
    local task = chunk[backwards and #chunk + 1 - index or index]
    local numbers, its_starts = string.match(task, '^%d+ (%d+) %d+ ([^\n]*)')
    local all = {}
    for start in string.gmatch(its_starts, '[^,]+') do
      all[#all + 1] = string.match(start, '^=(%d+)$') or redis.call('HGET', STARTS, start) or ''
    end
    tasks[#tasks + 1], starts[#starts + 1] = task, table.concat(all, ',')
    read, remaining = read + 1, remaining - tonumber(numbers)
    if remaining <= 0 then
      break
    end
  end
  if backwards then
    to = to - read
  else
    from = from + read
  end
end
local function deleted_messages()
  if #tasks == 0 then
    return {}
  end
  local first = tonumber(string.match(tasks[1], '^%d+'))
  local last, numbers = string.match(tasks[#tasks], '^(%d+) (%d+)')
  return redis.call('ZRANGEBYSCORE', DELETED, format_integer(first + 1), format_integer(tonumber(last) + tonumber(numbers)))
end
if backwards then
  for index = 1, math.floor(#tasks / 2) do
    local other = #tasks + 1 - index
    tasks[index], tasks[other] = tasks[other], tasks[index]
    starts[index], starts[other] = starts[other], starts[index]
  end
  return { fields[1], tonumber(fields[2]), to + evicted, tasks, starts, deleted_messages() }
end
return { fields[1], tonumber(fields[2]), from - #tasks + evicted, tasks, starts, deleted_messages() }
