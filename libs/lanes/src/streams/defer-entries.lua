#!lua flags=allow-oom
-- Defers workspaces: moves the given entries of theirs, with their ids, from the lane to a stream for each workspace.
-- Their later entries follow when the lane is read. Each workspace starts with the lane's answered position.
-- KEYS[1] lane stream, KEYS[2] answered key, KEYS[3] deferred workspaces
-- ARGV[1] prefix of the deferred workspaces' streams, ARGV[2] prefix of their answered keys
-- ARGV[3..] workspace and entry id, in pairs, ids ascending
-- returns the number of entries left on the lane
local answered = redis.call('GET', KEYS[2])
for i = 3, #ARGV, 2 do
  local workspace, id = ARGV[i], ARGV[i + 1]
  local item = redis.call('XRANGE', KEYS[1], id, id)[1]
  if item then
    if redis.call('SADD', KEYS[3], workspace) == 1 then
      -- Without the key, as on a new Redis, all entries before this one are answered or lost.
      local before = string.format('%.0f-0', tonumber(string.match(id, '^%d+')) - 1)
      redis.call('SET', ARGV[2] .. workspace, answered or before)
    end
    redis.call('XADD', ARGV[1] .. workspace, id, unpack(item[2]))
    redis.call('XDEL', KEYS[1], id)
  end
end
return redis.call('XLEN', KEYS[1])
