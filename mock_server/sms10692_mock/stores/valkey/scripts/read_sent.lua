-- Tasks, counted from the very first: from and to (the last not included). Returns life, how often the cursor of the
-- reports went back, the tasks, and for each where its bundles of reports stand in the log: '' is not due yet.
local kept = redis.call('HMGET', ACCOUNT, 'life', 'rrewound', 'dropped')
if not kept[1] then
  return NO_ACCOUNT
end
local from, to = tonumber(ARGV[1]) - tonumber(kept[3]), tonumber(ARGV[2]) - tonumber(kept[3])
local tasks, starts = {}, {}
if to > 0 then
  tasks = redis.call('LRANGE', SENT, math.max(from, 0), to - 1)
end
for number, task in ipairs(tasks) do
  local all = {}
  for start in string.gmatch(string.match(task, '^%d+ %d+ %d+ ([^\n]*)'), '[^,]+') do
    all[#all + 1] = string.match(start, '^=(%d+)$') or redis.call('HGET', STARTS, start) or ''
  end
  starts[number] = table.concat(all, ',')
end
return { kept[1], tonumber(kept[2]), tasks, starts }
