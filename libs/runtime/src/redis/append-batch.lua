-- Puts a batch on its lane and makes its status readable, both or neither.
-- KEYS[1] lane stream, KEYS[2] accepted-batch key
-- ARGV[1] entry as JSON, ARGV[2] status as JSON, ARGV[3] number of operations
-- returns the entry's id
local id = redis.call('XADD', KEYS[1], '*', 'operations', ARGV[3], 'entry', ARGV[1])
redis.call('SET', KEYS[2], ARGV[2])
return id
