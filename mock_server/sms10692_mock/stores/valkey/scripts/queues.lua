-- Functions on the queues of an account, prepended to the scripts that use them (see `__init__.py`).
--
-- A queue is an append-only log of released items with one cursor, and the scheduled batches that are not due yet.
-- The account is a hash. For reports (prefix r) and replies (prefix p) it contains: base (index of the first item that
-- is still stored), cursor (index of the next item to fetch), stop (one past the last index), scheduled (number of
-- scheduled items), bytes (size of the fetched lines that are still stored), requeued (number of requeues).
-- Indexes count from the first item ever. Call save(q) after changing a queue.

local ACCOUNT, SENT, STARTS = KEYS[1], KEYS[2], KEYS[3]
-- The numbers of the deleted messages whose task is still stored. The account counts all deleted ones.
local DELETED = KEYS[12]
local CHUNK = 1000

local function account_exists()
  return redis.call('EXISTS', ACCOUNT) == 1
end

local NO_ACCOUNT = { err = 'NOACCOUNT there is no such account' }

local function queue(name)
  local first = name == 'reports' and 4 or 8
  local prefix = name == 'reports' and 'r' or 'p'
  local fields = redis.call('HMGET', ACCOUNT, prefix .. 'base', prefix .. 'cursor', prefix .. 'stop',
    prefix .. 'scheduled', prefix .. 'bytes')
  return {
    prefix = prefix,
    log = KEYS[first], schedule = KEYS[first + 1], batches = KEYS[first + 2], fetches = KEYS[first + 3],
    base = tonumber(fields[1]), cursor = tonumber(fields[2]), stop = tonumber(fields[3]),
    scheduled = tonumber(fields[4]), bytes = tonumber(fields[5] or '0'), -- missing in accounts of earlier versions
  }
end

-- Format an integer without the exponent that Lua uses for large numbers.
local function format_integer(number)
  return string.format('%d', number)
end

local function save(q)
  redis.call('HSET', ACCOUNT,
    q.prefix .. 'base', format_integer(q.base), q.prefix .. 'cursor', format_integer(q.cursor),
    q.prefix .. 'stop', format_integer(q.stop), q.prefix .. 'scheduled', format_integer(q.scheduled),
    q.prefix .. 'bytes', format_integer(q.bytes))
end

-- Append the lines of a batch to the log. Returns the index of the first.
local function append(q, lines, count)
  local start = q.stop
  if count == 1 then
    redis.call('RPUSH', q.log, lines)
  else
    local chunk = {}
    for line in string.gmatch(lines, '[^\n]+') do
      chunk[#chunk + 1] = line
      if #chunk == CHUNK then
        redis.call('RPUSH', q.log, unpack(chunk))
        chunk = {}
      end
    end
    if #chunk > 0 then
      redis.call('RPUSH', q.log, unpack(chunk))
    end
  end
  q.stop = q.stop + count
  return start
end

-- Call `visit` with each line from index `from` to `to` (exclusive), until it returns false.
local function each_line(q, from, to, visit)
  for first = from - q.base, to - q.base - 1, CHUNK do
    for _, line in ipairs(redis.call('LRANGE', q.log, first, math.min(first + CHUNK, to - q.base) - 1)) do
      if not visit(line) then
        return
      end
    end
  end
end

-- Release due batches to the log. Returns whether there were any.
local function release_due(q, now)
  local before = q.scheduled
  while q.scheduled > 0 do
    local due = redis.call('ZRANGEBYSCORE', q.schedule, '-inf', now, 'LIMIT', 0, CHUNK)
    if #due == 0 then
      break
    end
    for _, arrival in ipairs(due) do
      local batch = redis.call('HGET', q.batches, arrival)
      local count, lines = string.match(batch, '^(%d+)\n(.*)$')
      count = tonumber(count)
      local start = append(q, lines, count)
      if redis.call('HEXISTS', STARTS, arrival) == 1 then
        redis.call('HSET', STARTS, arrival, format_integer(start))
      end
      redis.call('HDEL', q.batches, arrival)
      q.scheduled = q.scheduled - count
    end
    redis.call('ZREM', q.schedule, unpack(due))
  end
  return q.scheduled ~= before
end

-- Add a batch to the queue. Returns the index of its first item; nil and its arrival number if it is not due yet.
local function enqueue_batch(q, due, count, lines, now)
  if tonumber(due) <= tonumber(now) then
    return append(q, lines, count)
  end
  local arrival = string.format('%016d', redis.call('HINCRBY', ACCOUNT, 'arrivals', 1))
  redis.call('ZADD', q.schedule, due, arrival)
  redis.call('HSET', q.batches, arrival, format_integer(count) .. '\n' .. lines)
  q.scheduled = q.scheduled + count
  return nil, arrival
end

-- Delete the oldest tasks beyond the limits, but never the last.
-- stored: number of messages that are neither evicted nor deleted; evicted: number of evicted messages; text: bytes of
-- the stored tasks; keep, keep_bytes: the limits. Returns the new value of text.
local function evict_tasks(stored, evicted, text, keep, keep_bytes)
  local length, evicted_tasks = redis.call('LLEN', SENT), 0
  while length > 1 and (stored > keep or text > keep_bytes) do
    local before, its_numbers, its_bytes, its_starts =
      string.match(redis.call('LPOP', SENT), '^(%d+) (%d+) (%d+) ([^\n]*)')
    local count = tonumber(its_numbers)
      - redis.call('ZREMRANGEBYSCORE', DELETED, '-inf', format_integer(tonumber(before) + tonumber(its_numbers)))
    for start in string.gmatch(its_starts, '[^,]+') do
      redis.call('HDEL', STARTS, start)
    end
    stored, evicted, text = stored - count, evicted + count, text - tonumber(its_bytes)
    length, evicted_tasks = length - 1, evicted_tasks + 1
  end
  if evicted_tasks > 0 then
    redis.call('HSET', ACCOUNT, 'evicted', format_integer(evicted))
    redis.call('HINCRBY', ACCOUNT, 'evicted_tasks', evicted_tasks)
  end
  return text
end

-- Delete fetched items beyond the last `keep` items or `keep_bytes`, but never the very last.
local function delete_fetched(q, keep, keep_bytes)
  local fetched, deleted = q.cursor - q.base, 0
  each_line(q, q.base, q.cursor - 1, function(line)
    if deleted >= fetched - keep and q.bytes <= keep_bytes then
      return false
    end
    deleted, q.bytes = deleted + 1, math.max(0, q.bytes - #line)
    return true
  end)
  redis.call('LTRIM', q.log, deleted, -1)
  q.base = q.base + deleted
  local last = redis.call('ZREVRANGEBYSCORE', q.fetches, format_integer(q.base), '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if last[2] then
    redis.call('ZREMRANGEBYSCORE', q.fetches, '-inf', '(' .. last[2])
  end
end

-- Add the batches in ARGV from index `first` to a queue. ARGV: number of batches, then for each due time, count, lines.
-- Calls `on_enqueued` with the result of `enqueue_batch` for each batch. Returns the index of the next argument.
local function enqueue_batches(name, first, now, on_enqueued)
  local number = tonumber(ARGV[first])
  if number > 0 then
    local q = queue(name)
    release_due(q, now)
    for batch = 1, number do
      local at = first + 3 * batch - 2
      on_enqueued(enqueue_batch(q, ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], now))
    end
    save(q)
  end
  return first + 3 * number + 1
end
