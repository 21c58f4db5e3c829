-- The terms of a customer: the version that is known; real time, if a throw-away account is used by this. Returns the
-- version and, where it is another, the document; nil where there is no such customer.
local kept = redis.call('HMGET', KEYS[1], 'version', 'throwaway')
if not kept[1] then
  return nil
end
if ARGV[2] and kept[2] == '1' then
  redis.call('HSET', KEYS[1], 'used', ARGV[2])
end
if kept[1] == ARGV[1] then
  return { kept[1] }
end
return { kept[1], redis.call('HGET', KEYS[1], 'document') }
