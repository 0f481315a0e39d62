#!lua
-- Appends a conflict's resolution to its lane, once for each round: while it is on the lane, sending it again has no
-- effect. No limit applies, because its operation was accepted earlier.
-- KEYS[1] lane stream, KEYS[2] waiting key, KEYS[3] accepted-resolution key, KEYS[4] deferred workspaces
-- ARGV[1] entry as JSON, ARGV[2] workspace
-- returns 1 if it was appended
if not redis.call('SET', KEYS[3], '1', 'NX') then return 0 end
if redis.call('XLEN', KEYS[1]) == 0 and redis.call('SCARD', KEYS[4]) == 0 then redis.call('DEL', KEYS[2]) end
redis.call('XADD', KEYS[1], '*', 'operations', 1, 'entry', ARGV[1], 'answered', '', 'workspace', ARGV[2])
redis.call('HINCRBY', KEYS[2], 'operations', 1)
redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[1])
redis.call('HINCRBY', KEYS[2], 'workspace:' .. ARGV[2], 1)
return 1
