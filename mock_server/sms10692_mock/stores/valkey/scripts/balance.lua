-- Read the balance of an account. Returns points, total of top-ups, number of messages.
local kept = redis.call('HMGET', KEYS[1], 'points', 'total_added', 'messages')
return kept[1] and kept or { err = 'NOACCOUNT there is no such account' }
