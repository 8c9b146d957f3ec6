"""What Redis does for the queue in one step, in Lua. Keys of a stream share its hash slot.

Times are the server's own: clients' clocks need not agree.
"""

from __future__ import annotations

import hashlib

__all__ = ["CLAIM", "GIVE_BACK", "PUBLISH_ONCE", "Script"]


class Script:
    """A script, called by its hash once the server knows it."""

    def __init__(self, text: str) -> None:
        self.text = text.encode()
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest().encode()


# keys: stream, where the id is remembered. arguments: window in ms, then XADD's, from MAXLEN on.
PUBLISH_ONCE = Script("""
local known = redis.call('GET', KEYS[2])
if known then
    return known
end
local id = redis.call('XADD', KEYS[1], unpack(ARGV, 2))
redis.call('SET', KEYS[2], id, 'PX', ARGV[1])
return id
""")

# keys: stream, delays. arguments: group, consumer, ack_wait in ms, limit, cursor.
# Returns [[id, fields, deliveries], ...], ms until the next delay ends or -1, and the cursor.
#
# Due are messages whose delay is over, and those that were idle for ack_wait, unless a delay holds
# them. XAUTOCLAIM with JUSTID restarts their idle time and counts nothing; XCLAIM then delivers.
# Trimmed entries have no fields: they are acknowledged, as nobody can handle them any more.
CLAIM = Script("""
local stream, delays = KEYS[1], KEYS[2]
local group, consumer, limit = ARGV[1], ARGV[2], tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
local function deliver(id)
    local pending = redis.call('XPENDING', stream, group, id, id, 1)
    if #pending == 0 then
        return
    end
    local claimed = redis.call('XCLAIM', stream, group, consumer, 0, id)
    if claimed[1] and claimed[1][2] then
        found[#found + 1] = {id, claimed[1][2], pending[1][4] + 1}
    else
        redis.call('XACK', stream, group, id)
    end
end
local due = redis.call('ZRANGEBYSCORE', delays, '-inf', now, 'LIMIT', 0, limit)
for _, id in ipairs(due) do
    redis.call('ZREM', delays, id)
    deliver(id)
end
local cursor = ARGV[5]
if #due < limit then
    local idle = redis.call('XAUTOCLAIM', stream, group, consumer, ARGV[3], cursor,
                            'COUNT', limit - #due, 'JUSTID')
    cursor = idle[1]
    for _, id in ipairs(idle[2]) do
        if not redis.call('ZSCORE', delays, id) then
            deliver(id)
        end
    end
end
local next = redis.call('ZRANGE', delays, 0, 0, 'WITHSCORES')
local pause = -1
if next[2] then
    pause = math.max(0, next[2] - now)
end
return {found, pause, cursor}
""")

# keys: stream, delays. arguments: group, consumer, delay in ms, then pairs of an id and either how
# often it counts as delivered, or '' to leave that as it is.
GIVE_BACK = Script("""
local time = redis.call('TIME')
local due = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3]
for i = 4, #ARGV, 2 do
    local id, count = ARGV[i], ARGV[i + 1]
    if #redis.call('XPENDING', KEYS[1], ARGV[1], id, id, 1) > 0 then
        if count ~= '' then
            redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, id, 'RETRYCOUNT', count, 'JUSTID')
        end
        redis.call('ZADD', KEYS[2], due, id)
    end
end
return true
""")
