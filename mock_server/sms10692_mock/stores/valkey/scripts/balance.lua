-- Read the balance of an account. Returns points, total of top-ups, number of messages.
local fields = redis.call('HMGET', KEYS[1], 'points', 'total_added', 'messages')
return fields[1] and fields or { err = 'NOACCOUNT there is no such account' }
