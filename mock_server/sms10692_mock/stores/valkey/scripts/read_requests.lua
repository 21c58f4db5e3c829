-- Read a page of the request log.
-- ARGV: userid ('' for all); a request number, exclusive ('' for the start); '1' to read backwards; limit.
-- Returns the number of evicted entries, and the entries.
local ENTRIES, ALL, OF_USERIDS, STATE = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local userid, from, backwards = ARGV[1], ARGV[2], ARGV[3] == '1'
local list, range, open_low, open_high, low, high = ALL, 'RANGEBYSCORE', '-inf', '+inf', '(' .. from, '(' .. from
if userid ~= '' then
  local at = from ~= '' and string.format('(%s %016d', userid, tonumber(from))
  list, range, low, high = OF_USERIDS, 'RANGEBYLEX', at, at
  open_low, open_high = '[' .. userid .. ' ', '[' .. userid .. ' ~'
end
local numbers
if backwards then
  numbers = redis.call('ZREV' .. range, list, from == '' and open_high or high, open_low, 'LIMIT', 0, ARGV[4])
else
  numbers = redis.call('Z' .. range, list, from == '' and open_low or low, open_high, 'LIMIT', 0, ARGV[4])
end
for index, number in ipairs(numbers) do
  numbers[index] = string.format('%d', tonumber(string.match(number, '%d+$')))
end
local entries = #numbers > 0 and redis.call('HMGET', ENTRIES, unpack(numbers)) or {}
for index, entry in ipairs(entries) do
  entries[index] = string.match(entry, '^[^\n]*\n(.*)$')
end
return { tonumber(redis.call('HGET', STATE, 'evicted') or '0'), entries }
