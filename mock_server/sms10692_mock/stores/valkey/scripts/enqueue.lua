-- Enqueue reports and replies that belong to no send. ARGV: now, batches of reports, batches of replies (see put_all).
if not account_exists() then
  return NO_ACCOUNT
end
local next_argument = put_all('reports', 2, ARGV[1], function() end)
put_all('replies', next_argument, ARGV[1], function() end)
return 1
