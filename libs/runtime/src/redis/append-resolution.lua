-- Puts a conflict's resolution on its lane, once a round: until it is drained, sending it again does nothing.
-- KEYS[1] lane stream, KEYS[2] accepted-resolution key
-- ARGV[1] entry as JSON
-- returns 1 where it was appended
if not redis.call('SET', KEYS[2], '1', 'NX') then return 0 end
redis.call('XADD', KEYS[1], '*', 'operations', 1, 'entry', ARGV[1])
return 1
