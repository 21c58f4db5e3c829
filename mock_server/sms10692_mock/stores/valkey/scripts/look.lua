-- How things stand now: name of the queue, now, and which of the bundles that are not due yet to read, from and to in
-- the order in which they will be. Returns which life of the account this is, how often the cursor went back, stop,
-- later, base, cursor; how many tasks were dropped and are kept, how many messages were dropped; the bundles' lines.
if not must_be_there() then
  return NO_ACCOUNT
end
local q = queue(ARGV[1])
if ripen(q, ARGV[2]) then
  save(q)
end
local kept = redis.call('HMGET', ACCOUNT, 'life', q.prefix .. 'rewound', 'dropped', 'forgotten')
local bundles = {}
if ARGV[3] then
  for _, arrival in ipairs(redis.call('ZRANGE', q.later_keys, ARGV[3], ARGV[4])) do
    bundles[#bundles + 1] = string.match(redis.call('HGET', q.bundles, arrival), '^%d+\n(.*)$')
  end
end
return {
  kept[1], tonumber(kept[2]), q.stop, q.later, q.base, q.cursor,
  tonumber(kept[3]), redis.call('LLEN', SENT), tonumber(kept[4]), bundles,
}
