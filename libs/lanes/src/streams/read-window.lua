#!lua flags=allow-oom
-- Reads a lane from its head up to the given limits and removes no entries, but moves those of deferred workspaces to
-- the streams of these workspaces, each once, so that they never fill a window. Runs without free memory, too: moving
-- needs none.
-- KEYS[1] stream of the lane or of a deferred workspace, KEYS[2] deferred workspaces (if absent, no entry is moved)
-- ARGV[1] most operations, ARGV[2] most bytes; the first entry is returned even if it exceeds them
-- ARGV[3] most entries to move, ARGV[4] prefix of the deferred workspaces' streams
-- returns for each entry its id, text and answered position: id, entry, answered, id, entry, answered, …; the
-- workspaces whose entries were moved; 1 if there is more to move
local operationsLeft, bytesLeft, movesLeft = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local window, moved, isMoved, from = {}, {}, {}, '-'
local mayDefer = KEYS[2] ~= nil and redis.call('SCARD', KEYS[2]) > 0
while true do
  local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 4)
  for _, item in ipairs(page) do
    local id, fields = item[1], item[2]
    local workspace = fields[8]
    if mayDefer and workspace and redis.call('SISMEMBER', KEYS[2], workspace) == 1 then
      if movesLeft == 0 then return { window, moved, 1 } end
      movesLeft = movesLeft - 1
      redis.call('XADD', ARGV[4] .. workspace, id, unpack(fields))
      redis.call('XDEL', KEYS[1], id)
      if not isMoved[workspace] then
        isMoved[workspace] = true
        moved[#moved + 1] = workspace
      end
    else
      -- An entry of unknown shape counts as one operation. It will be dead-lettered.
      local operations, entry = tonumber(fields[2]) or 1, fields[4] or ''
      operationsLeft = operationsLeft - operations
      bytesLeft = bytesLeft - #entry
      if #window > 0 and (operationsLeft < 0 or bytesLeft < 0) then return { window, moved, 0 } end
      window[#window + 1] = id
      window[#window + 1] = entry
      window[#window + 1] = fields[6] or ''
    end
    from = '(' .. id
  end
  if #page < 4 then return { window, moved, 0 } end
end
