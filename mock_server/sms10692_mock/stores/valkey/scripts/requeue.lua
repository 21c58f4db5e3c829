-- Make fetched items fetchable again.
-- ARGV: name of the queue; how many of the last ('' for all); only those fetched since this time ('' for all).
-- Returns how many.
if not account_exists() then
  return NO_ACCOUNT
end
local q = queue(ARGV[1])
local target = q.base
if ARGV[2] ~= '' then
  target = math.max(target, q.cursor - tonumber(ARGV[2]))
end
if ARGV[3] ~= '' then
  local since, earliest, seen = tonumber(ARGV[3]), nil, 0
  while not earliest do
    local some = redis.call('ZRANGE', q.fetches, seen, seen + AT_ONCE - 1)
    if #some == 0 then
      break
    end
    for _, fetch in ipairs(some) do
      local first, time = string.match(fetch, '^(%d+) (%S+)')
      if tonumber(time) >= since then
        earliest = tonumber(first)
        break
      end
    end
    seen = seen + #some
  end
  target = math.max(target, earliest or q.cursor)
end
local number = q.cursor - target
each_line(q, target, q.cursor, function(line)
  q.bytes = math.max(0, q.bytes - #line)
  return true
end)
q.cursor = target
redis.call('ZREMRANGEBYSCORE', q.fetches, whole(target), '+inf')
redis.call('HINCRBY', ACCOUNT, q.prefix .. 'requeued', 1)
save(q)
return number
