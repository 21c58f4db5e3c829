-- Queue what came without a send: now, bundles of reports, bundles of replies.
if not must_be_there() then
  return NO_ACCOUNT
end
local next_argument = put_all('reports', 2, ARGV[1], function() end)
put_all('replies', next_argument, ARGV[1], function() end)
return 1
