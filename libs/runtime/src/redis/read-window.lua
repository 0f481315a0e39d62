#!lua flags=allow-oom
-- Reads a lane from its head until enough is together; removes nothing. Entries of deferred workspaces are moved to the streams
-- of those workspaces on the way, each once, so that they never fill a window. Also when memory has run out: moving needs none.
-- KEYS[1] stream of the lane or of a deferred workspace, KEYS[2] deferred workspaces (absent: nothing is moved)
-- ARGV[1] most operations, ARGV[2] most bytes; a first entry beyond either is read all the same
-- ARGV[3] most entries to move, ARGV[4] prefix of the deferred workspaces' streams
-- returns ids, entries and the answered position of each: id, entry, answered, id, entry, answered, …; the workspaces whose
-- entries were moved; 1 if there is more to move
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
      -- A stranger's entry counts as one operation that nobody can read.
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
