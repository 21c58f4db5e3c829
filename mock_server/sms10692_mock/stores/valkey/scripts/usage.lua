-- Read the history usage of an account, for the limits of all accounts together.
-- Returns temporary (0 or 1), time of last use, whether a queue has items; stored messages and their bytes; stored
-- fetched reports and their bytes; stored fetched replies and their bytes. nil if there is no such account.
local fields = redis.call('HMGET', KEYS[1], 'temporary', 'used', 'messages', 'evicted', 'text',
  'rcursor', 'rbase', 'rbytes', 'rstop', 'rscheduled', 'pcursor', 'pbase', 'pbytes', 'pstop', 'pscheduled', 'deleted')
if not fields[1] then
  return nil
end
local function number(index)
  return tonumber(fields[index] or '0')
end
local has_items = number(6) < number(9) or number(10) > 0 or number(11) < number(14) or number(15) > 0
return {
  fields[1], fields[2], has_items and 1 or 0, number(3) - number(4) - number(16), number(5),
  number(6) - number(7), number(8), number(11) - number(12), number(13),
}
