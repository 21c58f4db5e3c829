-- Read the state of an account and of one queue; release due items first.
-- ARGV: name of the queue, now; optionally first and last index of scheduled batches to read, in the order of due time.
-- Returns the life id of the account, number of requeues, stop, scheduled, base, cursor; numbers of evicted tasks,
-- stored tasks and evicted messages; the lines of the batches.
if not account_exists() then
  return NO_ACCOUNT
end
local q = queue(ARGV[1])
if release_due(q, ARGV[2]) then
  save(q)
end
local fields = redis.call('HMGET', ACCOUNT, 'life', q.prefix .. 'requeued', 'evicted_tasks', 'evicted')
local batches = {}
if ARGV[3] then
  for _, arrival in ipairs(redis.call('ZRANGE', q.schedule, ARGV[3], ARGV[4])) do
    batches[#batches + 1] = string.match(redis.call('HGET', q.batches, arrival), '^%d+\n(.*)$')
  end
end
return {
  fields[1], tonumber(fields[2]), q.stop, q.scheduled, q.base, q.cursor,
  tonumber(fields[3]), redis.call('LLEN', SENT), tonumber(fields[4]), batches,
}
