-- Charge a send, store the task, and enqueue its reports and replies.
-- ARGV: cost, number of recipients, bytes, now, task, limit of messages, limit of bytes, overdraft limit of a postpaid
-- account; expected version, new version and new document of the account, or three times '' to leave it unchanged;
-- batches of reports, batches of replies (see enqueue_batches).
-- Returns the new balance as a number; the old one as a string if it is too low; version and document if the account
-- has another version.
local fields = redis.call('HMGET', ACCOUNT, 'points', 'postpaid', 'messages', 'text', 'evicted', 'version', 'deleted')
if not fields[1] then
  return NO_ACCOUNT
end
if ARGV[9] ~= '' and ARGV[9] ~= fields[6] then
  return { fields[6], redis.call('HGET', ACCOUNT, 'document') }
end
local cost, numbers, bytes, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
if tonumber(fields[1]) - cost < (fields[2] == '1' and -tonumber(ARGV[8]) or 0) then
  return fields[1]
end

if ARGV[9] ~= '' then
  redis.call('HSET', ACCOUNT, 'version', ARGV[10], 'document', ARGV[11])
end
local before, text = tonumber(fields[3]), tonumber(fields[4]) + bytes
local messages = before + numbers
local starts = {}
local function record_start(start, arrival)
  if arrival then
    redis.call('HSET', STARTS, arrival, '')
  end
  starts[#starts + 1] = arrival or ('=' .. format_integer(start))
end
local next_argument = enqueue_batches('reports', 12, now, record_start)
enqueue_batches('replies', next_argument, now, function() end)

local head = table.concat(
  { format_integer(before), format_integer(numbers), format_integer(bytes), table.concat(starts, ',') }, ' ')
redis.call('RPUSH', SENT, head .. '\n' .. ARGV[5])
local evicted, keep, keep_bytes = tonumber(fields[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local stored = messages - evicted - tonumber(fields[7] or '0')
if stored > keep or text > keep_bytes then
  text = evict_tasks(stored, evicted, text, keep, keep_bytes)
end
redis.call('HSET', ACCOUNT, 'messages', format_integer(messages), 'text', format_integer(text))
return redis.call('HINCRBY', ACCOUNT, 'points', format_integer(-cost))
