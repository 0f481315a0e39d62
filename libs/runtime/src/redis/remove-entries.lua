#!lua flags=allow-oom
-- Takes entries off a lane, with the keys that say that they are on it, and what they were counted for. Also where memory
-- has run out: it is what makes room.
-- Committed ones are known to the tables from here on, and count as answered, too.
-- KEYS[1] stream of the lane or of a deferred workspace, KEYS[2] waiting key, KEYS[3] its answered key, KEYS[4..] accepted-batch and accepted-resolution keys
-- ARGV entry ids, ascending, one for each of the keys from the fourth on
-- returns how many entries are left
-- A replica that took over without an entry may since have given its id to another one, by a clock that is behind.
local function isSame(entry, key)
  local name = string.match(key, ':batch:(.+)$') or string.match(key, ':resolution:(.+):%d+$')
  return string.find(entry, name, 1, true) ~= nil
end

-- Of two drains that overlap, the slower one finds nothing any more, and so counts nothing twice.
local there, less = {}, {}
local function count(field, number) less[field] = (less[field] or 0) + number end
for i, id in ipairs(ARGV) do
  local item = redis.call('XRANGE', KEYS[1], id, id)[1]
  if item and isSame(item[2][4] or '', KEYS[3 + i]) then
    there[#there + 1] = id
    local fields = item[2]
    -- One without a workspace was appended by a version that does not count.
    if fields[8] then
      count('operations', fields[2])
      count('bytes', #fields[4])
      count('workspace:' .. fields[8], fields[2])
    end
  end
end
if #there > 0 then redis.call('XDEL', KEYS[1], unpack(there)) end
for field, number in pairs(less) do
  if redis.call('HINCRBY', KEYS[2], field, -number) <= 0 then redis.call('HDEL', KEYS[2], field) end
end
for i = 4, #KEYS do redis.call('DEL', KEYS[i]) end

-- Nor does it take back what has been answered.
local last = there[#there]
if last then redis.call('SET', KEYS[3], last) end
return redis.call('XLEN', KEYS[1])
