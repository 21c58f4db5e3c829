-- Forget a customer and all that was kept for it; with a moment, only a throw-away one that nobody used since. Returns
-- how many keys were left of it, or nil where it stays.
if ARGV[1] then
  local kept = redis.call('HMGET', ACCOUNT, 'throwaway', 'used')
  if kept[1] and (kept[1] ~= '1' or tonumber(kept[2]) >= tonumber(ARGV[1])) then
    return nil
  end
end
return redis.call('UNLINK', unpack(KEYS))
