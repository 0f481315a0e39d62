-- Takes committed entries off a lane, with the keys that say that they are on it: the tables know them from here on.
-- From here on they count as answered, too.
-- KEYS[1] lane stream, KEYS[2] answered key, KEYS[3..] accepted-batch and accepted-resolution keys
-- ARGV entry ids, ascending
-- returns how many entries are left
local function parts(id)
  local ms, n = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(n)
end
redis.call('XDEL', KEYS[1], unpack(ARGV))
for i = 3, #KEYS do redis.call('DEL', KEYS[i]) end
-- Of two drains that overlap, the slower one takes nothing back.
local last, answered = ARGV[#ARGV], redis.call('GET', KEYS[2])
local ms, n = parts(last)
local answeredMs, answeredN = parts(answered or '0-0')
if ms > answeredMs or (ms == answeredMs and n > answeredN) then redis.call('SET', KEYS[2], last) end
return redis.call('XLEN', KEYS[1])
