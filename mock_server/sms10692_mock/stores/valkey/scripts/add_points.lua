-- Change the balance of an account, and the total of its top-ups by the same amount.
-- ARGV: points; 'by' to add them, or 'to' to set the balance; the limit of the absolute values of both;
-- the total, or empty.
-- Returns nil, or the values that would exceed the limit.
local fields = redis.call('HMGET', KEYS[1], 'points', 'total_added')
if not fields[1] then
  return { err = 'NOACCOUNT there is no such account' }
end
local points, total_added, limit = tonumber(fields[1]), tonumber(fields[2]), tonumber(ARGV[3])
local difference = tonumber(ARGV[1]) - (ARGV[2] == 'to' and points or 0)
points, total_added = points + difference, tonumber(ARGV[4]) or total_added + difference
local after = { string.format('%.0f', points), string.format('%.0f', total_added) }
if math.abs(points) > limit or math.abs(total_added) > limit then
  return after
end
redis.call('HSET', KEYS[1], 'points', after[1], 'total_added', after[2])
return nil
