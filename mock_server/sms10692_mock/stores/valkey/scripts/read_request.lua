-- Read one request of the request log. ARGV: its number.
local entry = redis.call('HGET', KEYS[1], ARGV[1])
return entry and string.match(entry, '^[^\n]*\n(.*)$')
