-- The queues of an account, for the scripts that follow: a log of what is due with one cursor, and beside it what is
-- not due yet. Here belongs how items move; which scripts there are stands in `__init__.py`.
--
-- The account is a hash. Of the reports (prefix r) and the replies (prefix p) it has base (the place of the first item
-- that the log still has), cursor (of the first that waits), stop (behind the last), later (how many are not due yet),
-- bytes (of the lines that were handed out and that the log still has) and rewound (how often the cursor went back).
-- Places count from the very first item.

local ACCOUNT, SENT, STARTS = KEYS[1], KEYS[2], KEYS[3]
local AT_ONCE = 1000

local function must_be_there()
  return redis.call('EXISTS', ACCOUNT) == 1
end

local NO_ACCOUNT = { err = 'NOACCOUNT there is no such account' }

local function queue(name)
  local first = name == 'reports' and 4 or 8
  local prefix = name == 'reports' and 'r' or 'p'
  local kept = redis.call('HMGET', ACCOUNT, prefix .. 'base', prefix .. 'cursor', prefix .. 'stop', prefix .. 'later',
    prefix .. 'bytes')
  return {
    prefix = prefix,
    log = KEYS[first], later_keys = KEYS[first + 1], bundles = KEYS[first + 2], fetches = KEYS[first + 3],
    base = tonumber(kept[1]), cursor = tonumber(kept[2]), stop = tonumber(kept[3]), later = tonumber(kept[4]),
    bytes = tonumber(kept[5] or '0'), -- of an account of earlier it is not there
  }
end

-- Whole numbers are written by '%d': Lua itself writes a great one with an exponent.
local function whole(number)
  return string.format('%d', number)
end

local function save(q)
  redis.call('HSET', ACCOUNT, q.prefix .. 'base', whole(q.base), q.prefix .. 'cursor', whole(q.cursor),
    q.prefix .. 'stop', whole(q.stop), q.prefix .. 'later', whole(q.later),
    q.prefix .. 'bytes', whole(q.bytes))
end

-- Put the lines of a bundle behind the log; returns the place of the first.
local function log(q, lines, count)
  local start = q.stop
  if count == 1 then
    redis.call('RPUSH', q.log, lines)
  else
    local some = {}
    for line in string.gmatch(lines, '[^\n]+') do
      some[#some + 1] = line
      if #some == AT_ONCE then
        redis.call('RPUSH', q.log, unpack(some))
        some = {}
      end
    end
    if #some > 0 then
      redis.call('RPUSH', q.log, unpack(some))
    end
  end
  q.stop = q.stop + count
  return start
end

-- Calls `goes_on` with each line of the log between two places (the last not included), until it returns false.
local function each_line(q, from, to, goes_on)
  for first = from - q.base, to - q.base - 1, AT_ONCE do
    for _, line in ipairs(redis.call('LRANGE', q.log, first, math.min(first + AT_ONCE, to - q.base) - 1)) do
      if not goes_on(line) then
        return
      end
    end
  end
end

-- Move to the log what has fallen due; returns whether anything had.
local function ripen(q, now)
  local before = q.later
  while q.later > 0 do
    local due = redis.call('ZRANGEBYSCORE', q.later_keys, '-inf', now, 'LIMIT', 0, AT_ONCE)
    if #due == 0 then
      break
    end
    for _, arrival in ipairs(due) do
      local bundle = redis.call('HGET', q.bundles, arrival)
      local count, lines = string.match(bundle, '^(%d+)\n(.*)$')
      count = tonumber(count)
      local start = log(q, lines, count)
      if redis.call('HEXISTS', STARTS, arrival) == 1 then
        redis.call('HSET', STARTS, arrival, whole(start))
      end
      redis.call('HDEL', q.bundles, arrival)
      q.later = q.later - count
    end
    redis.call('ZREM', q.later_keys, unpack(due))
  end
  return q.later ~= before
end

-- Put a bundle into the queue. Returns the place of the first item, or nil and the number of its arrival.
local function put(q, due, count, lines, now)
  if tonumber(due) <= tonumber(now) then
    return log(q, lines, count)
  end
  local arrival = string.format('%016d', redis.call('HINCRBY', ACCOUNT, 'arrivals', 1))
  redis.call('ZADD', q.later_keys, due, arrival)
  redis.call('HSET', q.bundles, arrival, whole(count) .. '\n' .. lines)
  q.later = q.later + count
  return nil, arrival
end

-- Drop the first tasks beyond so many messages and bytes, but for the last: how many messages there were ever and of
-- how many tasks were dropped, bytes, how many to keep of both. Returns the new numbers of the messages dropped and bytes.
local function drop_tasks(messages, forgotten, text, keep, keep_bytes)
  local length, dropped = redis.call('LLEN', SENT), 0
  while length > 1 and (messages - forgotten > keep or text > keep_bytes) do
    local its_numbers, its_bytes, its_starts = string.match(redis.call('LPOP', SENT), '^%d+ (%d+) (%d+) ([^\n]*)')
    for start in string.gmatch(its_starts, '[^,]+') do
      redis.call('HDEL', STARTS, start)
    end
    forgotten, text = forgotten + tonumber(its_numbers), text - tonumber(its_bytes)
    length, dropped = length - 1, dropped + 1
  end
  if dropped > 0 then
    redis.call('HSET', ACCOUNT, 'forgotten', whole(forgotten))
    redis.call('HINCRBY', ACCOUNT, 'dropped', dropped)
  end
  return forgotten, text
end

-- Forget what was handed out, but for so many items, or as many as have so many bytes, and the very last.
local function forget(q, keep, keep_bytes)
  local over, gone = q.cursor - q.base, 0
  each_line(q, q.base, q.cursor - 1, function(line)
    if gone >= over - keep and q.bytes <= keep_bytes then
      return false
    end
    gone, q.bytes = gone + 1, math.max(0, q.bytes - #line)
    return true
  end)
  redis.call('LTRIM', q.log, gone, -1)
  q.base = q.base + gone
  local last = redis.call('ZREVRANGEBYSCORE', q.fetches, whole(q.base), '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if last[2] then
    redis.call('ZREMRANGEBYSCORE', q.fetches, '-inf', '(' .. last[2])
  end
end

-- Put bundles into the queue of this name that stand in ARGV from `first`: how many there are, and of each due, count,
-- lines. Calls `placed` with what became of each, and returns what comes behind them in ARGV.
local function put_all(name, first, now, placed)
  local number = tonumber(ARGV[first])
  if number > 0 then
    local q = queue(name)
    ripen(q, now)
    for bundle = 1, number do
      local at = first + 3 * bundle - 2
      placed(put(q, ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 2], now))
    end
    save(q)
  end
  return first + 3 * number + 1
end
