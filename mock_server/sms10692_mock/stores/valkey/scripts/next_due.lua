-- Read the next due times. ARGV: now. Returns the next due time of each queue that has scheduled items.
if not account_exists() then
  return NO_ACCOUNT
end
local due_times = {}
for _, name in ipairs({ 'reports', 'replies' }) do
  local q = queue(name)
  if release_due(q, ARGV[1]) then
    save(q)
  end
  due_times[#due_times + 1] = redis.call('ZRANGE', q.schedule, 0, 0, 'WITHSCORES')[2]
end
return due_times
