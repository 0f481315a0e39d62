-- Measures a lane's backlog and its age. Entries stay in Redis, because one may have megabytes.
-- KEYS[1] lane stream, KEYS[2] dead letters, KEYS[3] deferred workspaces
-- ARGV[1] prefix of the deferred workspaces' streams
-- returns entries, including those of deferred workspaces; milliseconds since the oldest was appended (0: none); dead
-- letters; deferred workspaces; milliseconds since the oldest entry of those was appended (0: none)
local now = redis.call('TIME')
local nowMs = now[1] * 1000 + math.floor(now[2] / 1000)
local function ageOf(stream)
  local oldest = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
  if not oldest then return 0 end
  return math.max(nowMs - tonumber(string.match(oldest[1], '^%d+')), 0)
end
local entries, age, deferredAge = redis.call('XLEN', KEYS[1]), ageOf(KEYS[1]), 0
local deferred = redis.call('SMEMBERS', KEYS[3])
for _, workspace in ipairs(deferred) do
  local stream = ARGV[1] .. workspace
  entries = entries + redis.call('XLEN', stream)
  deferredAge = math.max(deferredAge, ageOf(stream))
end
return { entries, math.max(age, deferredAge), redis.call('XLEN', KEYS[2]), #deferred, deferredAge }
