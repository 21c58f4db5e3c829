-- Give an account points: how many.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return { err = 'NOACCOUNT there is no such account' }
end
redis.call('HINCRBY', KEYS[1], 'charged_up', ARGV[1])
return redis.call('HINCRBY', KEYS[1], 'points', ARGV[1])
