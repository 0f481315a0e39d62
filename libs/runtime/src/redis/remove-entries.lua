-- Takes committed entries off a lane, with the keys that say that they are on it: the tables know them from here on.
-- KEYS[1] lane stream, KEYS[2..] accepted-batch and accepted-resolution keys
-- ARGV entry ids
-- returns how many entries are left
redis.call('XDEL', KEYS[1], unpack(ARGV))
for i = 2, #KEYS do redis.call('DEL', KEYS[i]) end
return redis.call('XLEN', KEYS[1])
