#!lua
-- Appends a dead-lettered entry to its lane again and counts it in the lane's backlog.
-- KEYS[1] dead letters, KEYS[2] lane stream, KEYS[3] waiting key, KEYS[4] deferred workspaces
-- ARGV[1] id of the dead letter
-- returns 1 if it was still there
local dead = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not dead then return 0 end
-- Leaves out the field with its former id.
local fields = { unpack(dead[2], 3) }
if redis.call('XLEN', KEYS[2]) == 0 and redis.call('SCARD', KEYS[4]) == 0 then redis.call('DEL', KEYS[3]) end
redis.call('XADD', KEYS[2], '*', unpack(fields))
-- An entry of unknown shape was never counted.
if fields[8] then
  redis.call('HINCRBY', KEYS[3], 'operations', fields[2])
  redis.call('HINCRBY', KEYS[3], 'bytes', #fields[4])
  redis.call('HINCRBY', KEYS[3], 'workspace:' .. fields[8], fields[2])
end
redis.call('XDEL', KEYS[1], dead[1])
return 1
