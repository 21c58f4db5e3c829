-- Delete an account and all its data.
-- ARGV: optionally a time, to delete only a temporary account that was last used before it; then optionally '1', to
-- delete it only if its queues are empty.
-- Returns the number of deleted keys, or nil if the account stays.
if ARGV[1] then
  local fields = redis.call('HMGET', ACCOUNT, 'temporary', 'used')
  if fields[1] and (fields[1] ~= '1' or tonumber(fields[2]) >= tonumber(ARGV[1])) then
    return nil
  end
end
if ARGV[2] == '1' and account_exists() then
  for _, name in ipairs({ 'reports', 'replies' }) do
    local q = queue(name)
    if q.scheduled > 0 or q.cursor < q.stop then
      return nil
    end
  end
end
return redis.call('UNLINK', unpack(KEYS))
