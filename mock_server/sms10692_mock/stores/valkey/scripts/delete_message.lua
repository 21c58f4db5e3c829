-- Delete one message. ARGV: its number. Returns 1, or 0 if it is not stored.
-- A task whose messages are all deleted becomes one without recipients, so that the indexes of the others stay.
if not account_exists() then
  return NO_ACCOUNT
end
local number = tonumber(ARGV[1])
local low, high = 0, redis.call('LLEN', SENT)
while low < high do
  local middle = math.floor((low + high) / 2)
  if tonumber(string.match(redis.call('LINDEX', SENT, middle), '^%d+')) < number then
    low = middle + 1
  else
    high = middle
  end
end
if low == 0 then
  return 0
end
local before, numbers, bytes, starts =
  string.match(redis.call('LINDEX', SENT, low - 1), '^(%d+) (%d+) (%d+) ([^\n]*)')
local last = tonumber(before) + tonumber(numbers)
if number > last or redis.call('ZADD', DELETED, 'NX', ARGV[1], ARGV[1]) == 0 then
  return 0
end
redis.call('HINCRBY', ACCOUNT, 'deleted', 1)
if redis.call('ZCOUNT', DELETED, '(' .. before, format_integer(last)) == tonumber(numbers) then
  for start in string.gmatch(starts, '[^,]+') do
    redis.call('HDEL', STARTS, start)
  end
  redis.call('LSET', SENT, low - 1, before .. ' ' .. numbers .. ' 0 \n[0,0,0,[],"","","",0,0,[]]')
  redis.call('HINCRBY', ACCOUNT, 'text', '-' .. bytes)
end
return 1
