-- Enqueue reports and replies that belong to no send.
-- ARGV: now, batches of reports, batches of replies (see enqueue_batches).
if not account_exists() then
  return NO_ACCOUNT
end
local next_argument = enqueue_batches('reports', 2, ARGV[1], function() end)
enqueue_batches('replies', next_argument, ARGV[1], function() end)
return 1
