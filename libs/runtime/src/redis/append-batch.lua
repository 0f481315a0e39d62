-- Puts a batch on its lane and makes its status readable, both or neither. The entry says what had been answered by then.
-- KEYS[1] lane stream, KEYS[2] accepted-batch key, KEYS[3] answered key
-- ARGV[1] entry as JSON, ARGV[2] status as JSON, ARGV[3] number of operations
-- returns the entry's id
local answered = redis.call('GET', KEYS[3])
if not answered then
  -- A new Redis, or one that lost its data: what came before is answered, or gone.
  local now = redis.call('TIME')
  answered = string.format('%.0f-0', now[1] * 1000 + math.floor(now[2] / 1000) - 1)
  redis.call('SET', KEYS[3], answered)
end
local id = redis.call('XADD', KEYS[1], '*', 'operations', ARGV[3], 'entry', ARGV[1], 'answered', answered)
redis.call('SET', KEYS[2], ARGV[2])
return id
