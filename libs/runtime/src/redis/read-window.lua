-- Reads a lane from its head until enough is together; removes nothing.
-- KEYS[1] lane stream
-- ARGV[1] most operations, ARGV[2] most bytes; a first entry beyond either is read all the same
-- returns ids, entries and what was answered before each: id, entry, answered, id, entry, answered, …
local operationsLeft, bytesLeft = tonumber(ARGV[1]), tonumber(ARGV[2])
local window, from = {}, '-'
while true do
  local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 4)
  for _, item in ipairs(page) do
    local id, fields = item[1], item[2]
    -- A stranger's entry counts as one operation that nobody can read.
    local operations, entry = tonumber(fields[2]) or 1, fields[4] or ''
    operationsLeft = operationsLeft - operations
    bytesLeft = bytesLeft - #entry
    if #window > 0 and (operationsLeft < 0 or bytesLeft < 0) then return window end
    window[#window + 1] = id
    window[#window + 1] = entry
    window[#window + 1] = fields[6] or ''
    from = '(' .. id
  end
  if #page < 4 then return window end
end
