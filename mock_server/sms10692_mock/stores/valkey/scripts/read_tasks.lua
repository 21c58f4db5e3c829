-- Read tasks.
-- ARGV: first index and end index (exclusive), counted from the first task ever; '1' to begin with the last; number of
-- messages after which to stop.
-- Returns the life id of the account, number of requeues of reports, index of the first task, the tasks in ascending
-- order, and for each the index of the first report of each of its batches, '' if not due yet.
local kept = redis.call('HMGET', ACCOUNT, 'life', 'rrequeued', 'evicted_tasks')
if not kept[1] then
  return NO_ACCOUNT
end
local evicted = tonumber(kept[3])
local from, to = math.max(tonumber(ARGV[1]) - evicted, 0), tonumber(ARGV[2]) - evicted
local backwards, enough = ARGV[3] == '1', tonumber(ARGV[4])
local tasks, starts = {}, {}
while from < to and enough > 0 do
  local number = math.min(to - from, 100)
  local first = backwards and to - number or from
  local some = redis.call('LRANGE', SENT, first, first + number - 1)
  if #some == 0 then
    break
  end
  local taken = 0
  for place = 1, #some do
    local task = some[backwards and #some + 1 - place or place]
    local numbers, its_starts = string.match(task, '^%d+ (%d+) %d+ ([^\n]*)')
    local all = {}
    for start in string.gmatch(its_starts, '[^,]+') do
      all[#all + 1] = string.match(start, '^=(%d+)$') or redis.call('HGET', STARTS, start) or ''
    end
    tasks[#tasks + 1], starts[#starts + 1] = task, table.concat(all, ',')
    taken, enough = taken + 1, enough - tonumber(numbers)
    if enough <= 0 then
      break
    end
  end
  if backwards then
    to = to - taken
  else
    from = from + taken
  end
end
if backwards then
  for place = 1, math.floor(#tasks / 2) do
    local other = #tasks + 1 - place
    tasks[place], tasks[other] = tasks[other], tasks[place]
    starts[place], starts[other] = starts[other], starts[place]
  end
  return { kept[1], tonumber(kept[2]), to + evicted, tasks, starts }
end
return { kept[1], tonumber(kept[2]), from - #tasks + evicted, tasks, starts }
