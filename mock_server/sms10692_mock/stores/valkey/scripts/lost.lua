-- Which accounts should be there, by the list of all: userids. Returns whether the form is there, without which the
-- server was emptied, and for each userid whether it is listed for good: neither created nor deleted at the moment.
local answer = { redis.call('EXISTS', KEYS[4]) }
for at, userid in ipairs(ARGV) do
  answer[at + 1] = 0
  if redis.call('ZSCORE', KEYS[1], userid) and redis.call('SISMEMBER', KEYS[2], userid) == 0 then
    answer[at + 1] = 1
  end
end
return answer
