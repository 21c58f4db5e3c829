-- Take in a customer, and forget all that was kept for one of the same userid: life, version, document, whether
-- post-paid, whether to be thrown away, points, when used; 'keep' to leave one alone that is there, or 'reset' and a
-- version to replace only one of this version. Returns whether it was taken in.
if ARGV[8] == 'keep' and must_be_there() then
  return 0
end
if ARGV[8] == 'reset' and redis.call('HGET', ACCOUNT, 'version') ~= ARGV[9] then
  return 0
end
redis.call('UNLINK', unpack(KEYS))
redis.call('HSET', ACCOUNT, 'life', ARGV[1], 'version', ARGV[2], 'document', ARGV[3], 'postpaid', ARGV[4],
  'throwaway', ARGV[5], 'points', ARGV[6], 'charged_up', ARGV[6], 'used', ARGV[7],
  'messages', 0, 'forgotten', 0, 'dropped', 0, 'text', 0, 'arrivals', 0,
  'rbase', 0, 'rcursor', 0, 'rstop', 0, 'rlater', 0, 'rbytes', 0, 'rrewound', 0,
  'pbase', 0, 'pcursor', 0, 'pstop', 0, 'plater', 0, 'pbytes', 0, 'prewound', 0)
return 1
