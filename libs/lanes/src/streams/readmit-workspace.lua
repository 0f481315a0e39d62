#!lua flags=allow-oom
-- Ends a workspace's deferral once its stream is empty and the lane has reached the workspace's answered position. From
-- then on the lane's answered position applies to the workspace again.
-- KEYS[1] lane stream, KEYS[2] answered key, KEYS[3] deferred workspaces
-- KEYS[4] the workspace's stream, KEYS[5] its answered key
-- ARGV[1] workspace
-- returns 1 if it is no longer deferred
if redis.call('XLEN', KEYS[4]) > 0 then return 0 end
local function isAfter(a, b)
  local aMs, aSeq = string.match(a, '^(%d+)-(%d+)$')
  local bMs, bSeq = string.match(b, '^(%d+)-(%d+)$')
  if aMs ~= bMs then return tonumber(aMs) > tonumber(bMs) end
  return tonumber(aSeq) > tonumber(bSeq)
end
local own = redis.call('GET', KEYS[5])
if own then
  -- An entry of another workspace is still waiting ahead of that position and is not answered.
  local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  if first and not isAfter(first[1], own) then return 0 end
  local ofLane = redis.call('GET', KEYS[2])
  if not ofLane or isAfter(own, ofLane) then redis.call('SET', KEYS[2], own) end
end
redis.call('SREM', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[4], KEYS[5])
return 1
