#!lua
-- Appends a batch to its lane and makes its status readable, both or neither. The entry records the lane's answered
-- position. Rejects the batch if it exceeds a limit; an empty lane accepts any batch.
-- KEYS[1] lane stream, KEYS[2] waiting key, KEYS[3] accepted-batch key, KEYS[4] answered key, KEYS[5] deferred
-- workspaces
-- KEYS[6] answered key of the workspace, while it is deferred
-- ARGV[1] entry as JSON, ARGV[2] status as JSON, ARGV[3] workspace, ARGV[4] number of operations
-- ARGV[5] most operations on the lane, ARGV[6] most bytes on the lane, ARGV[7] most operations of a workspace
-- returns appended, lane-full or workspace-full
local operations, bytes, ofWorkspace = tonumber(ARGV[4]), #ARGV[1], 'workspace:' .. ARGV[3]

-- An empty lane has no backlog, even if a version without these counters left some behind.
if redis.call('XLEN', KEYS[1]) == 0 and redis.call('SCARD', KEYS[5]) == 0 then redis.call('DEL', KEYS[2]) end
local waiting = redis.call('HMGET', KEYS[2], 'operations', 'bytes', ofWorkspace)
local function isBeyond(waits, more, most)
  waits = tonumber(waits) or 0
  return waits > 0 and waits + more > tonumber(most)
end
-- The workspace limit first, so that a client over its own limit is not told that the lane is full.
if isBeyond(waiting[3], operations, ARGV[7]) then return 'workspace-full' end
if isBeyond(waiting[1], operations, ARGV[5]) or isBeyond(waiting[2], bytes, ARGV[6]) then return 'lane-full' end

local answered = redis.call('GET', KEYS[6]) or redis.call('GET', KEYS[4])
if not answered then
  -- A new Redis, or one that lost its data: all earlier entries are answered or lost.
  local now = redis.call('TIME')
  answered = string.format('%.0f-0', now[1] * 1000 + math.floor(now[2] / 1000) - 1)
  redis.call('SET', KEYS[4], answered)
end
redis.call('XADD', KEYS[1], '*', 'operations', operations, 'entry', ARGV[1], 'answered', answered, 'workspace', ARGV[3])
redis.call('SET', KEYS[3], ARGV[2])
redis.call('HINCRBY', KEYS[2], 'operations', operations)
redis.call('HINCRBY', KEYS[2], 'bytes', bytes)
redis.call('HINCRBY', KEYS[2], ofWorkspace, operations)
return 'appended'
