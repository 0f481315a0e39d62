#!lua flags=allow-oom
-- Removes committed entries from a lane, with their accepted keys and their share of the counters, and advances the
-- answered position. Runs without free memory, too, because it frees memory.
-- KEYS[1] stream of the lane or of a deferred workspace, KEYS[2] waiting key, KEYS[3] its answered key, KEYS[4..]
-- accepted-batch and accepted-resolution keys
-- ARGV entry ids, ascending, one for each of the keys from the fourth on
-- returns the number of entries left

-- A replica that became master without an entry, and whose clock is behind, may have given its id to another entry.
local function isSame(entry, key)
  local name = string.match(key, ':batch:(.+)$') or string.match(key, ':resolution:(.+):%d+$')
  return string.find(entry, name, 1, true) ~= nil
end

-- The slower of two overlapping drains finds no entries, so it counts none twice.
local there, less = {}, {}
local function count(field, number) less[field] = (less[field] or 0) + number end
for i, id in ipairs(ARGV) do
  local item = redis.call('XRANGE', KEYS[1], id, id)[1]
  if item and isSame(item[2][4] or '', KEYS[3 + i]) then
    there[#there + 1] = id
    local fields = item[2]
    -- An entry without a workspace was appended by a version without counters.
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

-- The slower of two overlapping drains does not move the answered position back, either.
local last = there[#there]
if last then redis.call('SET', KEYS[3], last) end
return redis.call('XLEN', KEYS[1])
