#!lua flags=allow-oom
-- Defers workspaces: moves the given entries of theirs, with their ids, from the lane to a stream for each workspace. Their
-- later entries follow when the lane is read. The lane's answered position is theirs from now on, until entries leave their stream.
-- KEYS[1] lane stream, KEYS[2] answered key, KEYS[3] deferred workspaces
-- ARGV[1] prefix of the deferred workspaces' streams, ARGV[2] prefix of their answered keys
-- ARGV[3..] workspace and entry id, in pairs, ids ascending
-- returns how many entries are left on the lane
local answered = redis.call('GET', KEYS[2])
for i = 3, #ARGV, 2 do
  local workspace, id = ARGV[i], ARGV[i + 1]
  local item = redis.call('XRANGE', KEYS[1], id, id)[1]
  if item then
    if redis.call('SADD', KEYS[3], workspace) == 1 then
      -- Without the key, as on a new Redis, all that came before the entry is answered, or gone.
      local before = string.format('%.0f-0', tonumber(string.match(id, '^%d+')) - 1)
      redis.call('SET', ARGV[2] .. workspace, answered or before)
    end
    redis.call('XADD', ARGV[1] .. workspace, id, unpack(item[2]))
    redis.call('XDEL', KEYS[1], id)
  end
end
return redis.call('XLEN', KEYS[1])
