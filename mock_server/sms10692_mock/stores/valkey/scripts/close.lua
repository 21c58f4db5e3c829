-- Forget a customer and all that was kept for it; with a moment, only a throw-away one that nobody used since; with
-- '1' behind it, only if nothing waits in its queues. Returns how many keys were left of it, or nil where it stays.
if ARGV[1] then
  local kept = redis.call('HMGET', ACCOUNT, 'throwaway', 'used')
  if kept[1] and (kept[1] ~= '1' or tonumber(kept[2]) >= tonumber(ARGV[1])) then
    return nil
  end
end
if ARGV[2] == '1' and must_be_there() then
  for _, name in ipairs({ 'reports', 'replies' }) do
    local q = queue(name)
    if q.later > 0 or q.cursor < q.stop then
      return nil
    end
  end
end
return redis.call('UNLINK', unpack(KEYS))
