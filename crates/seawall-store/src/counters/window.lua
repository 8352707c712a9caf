-- May one more request be counted? All quotas have room for it and it is counted in each, or nothing changes.
--
-- KEYS: the counter of each quota. ARGV: the cost; then for each quota its limit, the length of its ticks and how long a request
-- counts after the end of its tick, in microseconds.
-- Answer: 1 or 0; then for each quota what is left before this request, and the microseconds until there is one more.
--
-- A counter is the sum of what counts, and entries of when a tick ends and how many were accepted in it, the first first.
-- What comes before this text tells the time in `now` and how long a counter is kept in `kept_ms`.
local WORDS, HEAD, ENTRY = 101, 4, 12
local cost, answer, tracks = tonumber(ARGV[1]), {1}, {}

for i, key in ipairs(KEYS) do
  local limit, unit, span = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local text = redis.call('GET', key) or ''
  local used, first = 0, HEAD + 1
  if #text > 0 then used = struct.unpack('<I4', text) end
  while first <= #text do
    local ends, count = struct.unpack('<I8I4', text, first)
    if now < ends + span then break end
    used, first = used - count, first + ENTRY
  end
  local reset = 0
  if used > 0 then
    -- More than the limit are counted only after it was lowered; then so many more must leave first.
    local at, beyond = first, used - limit
    local ends, count = struct.unpack('<I8I4', text, at)
    while count <= beyond do
      beyond, at = beyond - count, at + ENTRY
      ends, count = struct.unpack('<I8I4', text, at)
    end
    reset = ends + span - now
  end
  local left = math.max(limit - used, 0)
  if left < cost then answer[1] = 0 end
  answer[2 * i], answer[2 * i + 1] = left, reset
  tracks[i] = {key = key, text = text, first = first, used = used, unit = unit, span = span}
end
if answer[1] == 0 then return answer end

for _, track in ipairs(tracks) do
  local ends = now - math.fmod(now, track.unit) + track.unit
  local entries, last, count = string.sub(track.text, track.first), 0, 0
  if #entries > 0 then last, count = struct.unpack('<I8I4', entries, #entries - ENTRY + 1) end
  if last >= ends then
    -- The same tick; or the clock was set back, and the request counts as accepted with the latest.
    ends, entries = last, string.sub(entries, 1, -ENTRY - 1)
  else
    count = 0
    if #entries >= WORDS * ENTRY then
      -- Only after the quota was changed: the first entry joins the second, so that it counts for longer, never shorter.
      local _, one = struct.unpack('<I8I4', entries)
      local later, two = struct.unpack('<I8I4', entries, ENTRY + 1)
      entries = struct.pack('<I8I4', later, one + two) .. string.sub(entries, 2 * ENTRY + 1)
    end
  end
  local text = struct.pack('<I4', track.used + cost) .. entries .. struct.pack('<I8I4', ends, count + cost)
  redis.call('SET', track.key, text, 'PX', kept_ms(ends + track.span - now))
end
return answer
