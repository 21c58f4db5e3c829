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
  local since, earliest, offset = tonumber(ARGV[3]), nil, 0
  while not earliest do
    local chunk = redis.call('ZRANGE', q.fetches, offset, offset + CHUNK - 1)
    if #chunk == 0 then
      break
    end
    for _, fetch in ipairs(chunk) do
      local first, time = string.match(fetch, '^(%d+) (%S+)')
      if tonumber(time) >= since then
        earliest = tonumber(first)
        break
      end
    end
    offset = offset + #chunk
  end
  target = math.max(target, earliest or q.cursor)
end
local number = q.cursor - target
each_line(q, target, q.cursor, function(line)
  q.bytes = math.max(0, q.bytes - #line)
  return true
end)
q.cursor = target
redis.call('ZREMRANGEBYSCORE', q.fetches, format_integer(target), '+inf')
redis.call('HINCRBY', ACCOUNT, q.prefix .. 'requeued', 1)
save(q)
return number
