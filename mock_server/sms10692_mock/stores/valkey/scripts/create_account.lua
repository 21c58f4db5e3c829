-- Create an account; delete all data of one with the same userid first.
-- ARGV: life id, version, document, postpaid (0 or 1), temporary (0 or 1), points, time of last use; optionally 'keep'
-- to leave an existing account unchanged, or 'reset' and a version to replace only an account of this version.
-- Returns 1 if the account was created, else 0.
if ARGV[8] == 'keep' and account_exists() then
  return 0
end
if ARGV[8] == 'reset' and redis.call('HGET', ACCOUNT, 'version') ~= ARGV[9] then
  return 0
end
redis.call('UNLINK', unpack(KEYS))
redis.call('HSET', ACCOUNT, 'life', ARGV[1], 'version', ARGV[2], 'document', ARGV[3], 'postpaid', ARGV[4],
  'temporary', ARGV[5], 'points', ARGV[6], 'total_added', ARGV[6], 'used', ARGV[7],
  'messages', 0, 'evicted', 0, 'evicted_tasks', 0, 'deleted', 0, 'text', 0, 'arrivals', 0,
  'rbase', 0, 'rcursor', 0, 'rstop', 0, 'rscheduled', 0, 'rbytes', 0, 'rrequeued', 0,
  'pbase', 0, 'pcursor', 0, 'pstop', 0, 'pscheduled', 0, 'pbytes', 0, 'prequeued', 0)
return 1
