-- Read the history usage of an account, for the limits of all accounts together.
-- Returns temporary (0 or 1), time of last use, whether a queue has items; stored messages and their bytes; stored
-- fetched reports and their bytes; stored fetched replies and their bytes. nil if there is no such account.
local kept = redis.call('HMGET', KEYS[1], 'temporary', 'used', 'messages', 'evicted', 'text',
  'rcursor', 'rbase', 'rbytes', 'rstop', 'rscheduled', 'pcursor', 'pbase', 'pbytes', 'pstop', 'pscheduled')
if not kept[1] then
  return nil
end
local function number(place)
  return tonumber(kept[place] or '0')
end
local waits = number(6) < number(9) or number(10) > 0 or number(11) < number(14) or number(15) > 0
return {
  kept[1], kept[2], waits and 1 or 0, number(3) - number(4), number(5),
  number(6) - number(7), number(8), number(11) - number(12), number(13),
}
