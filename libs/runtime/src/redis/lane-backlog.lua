-- Tells how much waits on a lane, and for how long. No entry leaves Redis for it: one may have megabytes.
-- KEYS[1] lane stream, KEYS[2] dead entries
-- returns entries, milliseconds since the oldest was appended (0: none), dead entries
local entries, age = redis.call('XLEN', KEYS[1]), 0
if entries > 0 then
  local now = redis.call('TIME')
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1][1]
  age = now[1] * 1000 + math.floor(now[2] / 1000) - tonumber(string.match(oldest, '^%d+'))
end
return { entries, math.max(age, 0), redis.call('XLEN', KEYS[2]) }
