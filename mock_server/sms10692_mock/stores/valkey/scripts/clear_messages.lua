-- Delete all messages of an account.
local fields = redis.call('HMGET', ACCOUNT, 'messages', 'evicted')
if not fields[1] then
  return NO_ACCOUNT
end
redis.call('HINCRBY', ACCOUNT, 'evicted_tasks', redis.call('LLEN', SENT))
redis.call('UNLINK', SENT, STARTS, DELETED)
redis.call('HSET', ACCOUNT, 'text', 0, 'deleted', format_integer(tonumber(fields[1]) - tonumber(fields[2])))
return 1
