-- A piece of the log and the fetches that took it: name of the queue, places from and to (the last not included), and
-- whether the items are wanted. Returns life, how often the cursor went back, the place of the first item, the lines,
-- the fetches.
if not must_be_there() then
  return NO_ACCOUNT
end
local q = queue(ARGV[1])
local kept = redis.call('HMGET', ACCOUNT, 'life', q.prefix .. 'rewound')
local from, to = math.max(tonumber(ARGV[2]), q.base), math.min(tonumber(ARGV[3]), q.stop)
local items, fetches = {}, {}
if from < to then
  if ARGV[4] == '1' then
    items = redis.call('LRANGE', q.log, from - q.base, to - q.base - 1)
  end
  fetches = redis.call('ZREVRANGEBYSCORE', q.fetches, whole(from), '-inf', 'LIMIT', 0, 1)
  for _, fetch in ipairs(redis.call('ZRANGEBYSCORE', q.fetches, '(' .. whole(from), '(' .. whole(to))) do
    fetches[#fetches + 1] = fetch
  end
end
return { kept[1], tonumber(kept[2]), from, table.concat(items, '\n'), table.concat(fetches, '\n') }
