#!lua flags=allow-oom
-- Dead-letters an unreadable entry: moves it from its lane to the dead letters, and removes it from the lane's
-- counters.
-- KEYS[1] stream of the lane or of a deferred workspace, KEYS[2] waiting key, KEYS[3] dead letters
-- ARGV[1] entry id
-- returns 1 if it was still there
local item = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not item then return 0 end
local fields = item[2]
redis.call('XADD', KEYS[3], '*', 'from', ARGV[1], unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
if fields[8] then
  local less = { operations = fields[2], bytes = #fields[4], ['workspace:' .. fields[8]] = fields[2] }
  for field, number in pairs(less) do
    if redis.call('HINCRBY', KEYS[2], field, -number) <= 0 then redis.call('HDEL', KEYS[2], field) end
  end
end
return 1
