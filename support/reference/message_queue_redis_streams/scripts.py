"""What the queue does in Redis, each in one script: no crash comes between two halves of it.

    queue:messages      hash: id -> message, of all that are not done
    queue:line:KEY      list: the ids of KEY's messages, in the order in which they were published
    queue:ready         stream: a turn of KEY, for the consumer group "workers"
    queue:turns         hash: KEY -> its turn in the stream
    queue:waiting       sorted set: KEY -> when it gets its next turn, after a delivery in vain
    queue:deliveries    hash: id -> how often it was handed to a worker
    queue:errors        hash: id -> what came of the last of these
    queue:published:ID  that ID was accepted, for as long as its producer may repeat it
    queue:dead          stream: dead letters

A key whose line is not empty has one turn, or waits: so its messages are worked on one after the other, whatever
happens to one of them, and other keys go on. What is done leaves the stream at once, so nothing is ever trimmed.
"""

READY, GROUP, TURNS = "queue:ready", "workers", "queue:turns"
MESSAGES, DEAD = "queue:messages", "queue:dead"

_WORDS = """
local function line(key) return 'queue:line:' .. key end

local function give_turn(key)
    redis.call('HSET', 'queue:turns', key, redis.call('XADD', 'queue:ready', '*', 'key', key))
end

-- Whether the turn is still its consumer's: one that froze may have been given up, and another have taken it over.
local function mine(turn, key, consumer)
    local pending = redis.call('XPENDING', 'queue:ready', 'workers', turn, turn, 1)[1]
    return pending and pending[2] == consumer and redis.call('HGET', 'queue:turns', key) == turn
end

-- From now on the consumer has all the time again until another may take the turn over.
local function renew(turn, consumer)
    redis.call('XCLAIM', 'queue:ready', 'workers', consumer, 0, turn, 'JUSTID')
end

local function end_turn(turn, key)
    redis.call('XACK', 'queue:ready', 'workers', turn)
    redis.call('XDEL', 'queue:ready', turn)
    redis.call('HDEL', 'queue:turns', key)
end

-- The first of the line is done with, in whatever way: the next one has its turn.
local function move_up(turn, key)
    end_turn(turn, key)
    local id = redis.call('LPOP', line(key))
    for _, known in ipairs({'queue:messages', 'queue:deliveries', 'queue:errors'}) do redis.call('HDEL', known, id) end
    if redis.call('LLEN', line(key)) > 0 then give_turn(key) end
end

-- The dead letter first: where it cannot be written, the script ends here, and the message stays where it was.
local function bury(turn, key)
    local id = redis.call('LINDEX', line(key), 0)
    redis.call('XADD', 'queue:dead', '*', 'id', id, 'key', key, 'message', redis.call('HGET', 'queue:messages', id),
        'deliveries', redis.call('HGET', 'queue:deliveries', id),
        'error', redis.call('HGET', 'queue:errors', id) or 'its workers died of it')
    move_up(turn, key)
end

local function now_ms()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function append(key, id, message)
    redis.call('HSET', 'queue:messages', id, message)
    if redis.call('RPUSH', line(key), id) == 1 then give_turn(key) end
end
"""

# ARGV: key, id, message, for how long its id is remembered (ms). 0 when it was published before.
PUBLISH = (
    _WORDS
    + """
local key, id, message, remembered_ms = unpack(ARGV)
if not redis.call('SET', 'queue:published:' .. id, 1, 'NX', 'PX', remembered_ms) then return 0 end
append(key, id, message)
return 1
"""
)

# ARGV: turn, key, consumer, deliveries at the most. The first message of the line, and which delivery this is; false
# where there is nothing to do. Counted here and not after the work, so that who dies of a message is counted, too.
BEGIN = (
    _WORDS
    + """
local turn, key, consumer, most = unpack(ARGV)
if not mine(turn, key, consumer) then
    if redis.call('HGET', 'queue:turns', key) ~= turn then
        redis.call('XACK', 'queue:ready', 'workers', turn)
        redis.call('XDEL', 'queue:ready', turn)
    end
    return false
end
local id = redis.call('LINDEX', line(key), 0)
if not id then
    end_turn(turn, key)
    return false
end
if tonumber(redis.call('HGET', 'queue:deliveries', id) or 0) >= tonumber(most) then
    bury(turn, key)
    return false
end
renew(turn, consumer)
return {id, redis.call('HGET', 'queue:messages', id), redis.call('HINCRBY', 'queue:deliveries', id, 1)}
"""
)

# ARGV: turn, key, consumer. The work is done.
FINISH = (
    _WORDS
    + """
local turn, key, consumer = unpack(ARGV)
if mine(turn, key, consumer) then move_up(turn, key) end
"""
)

# ARGV: turn, key, consumer, error, for how long to wait (ms). It stays the first of its line meanwhile.
RETRY = (
    _WORDS
    + """
local turn, key, consumer, error, wait_ms = unpack(ARGV)
if mine(turn, key, consumer) then
    redis.call('HSET', 'queue:errors', redis.call('LINDEX', line(key), 0), error)
    end_turn(turn, key)
    redis.call('ZADD', 'queue:waiting', now_ms() + wait_ms, key)
end
"""
)

# ARGV: turn, key, consumer, error. There is no use in another delivery.
BURY = (
    _WORDS
    + """
local turn, key, consumer, error = unpack(ARGV)
if mine(turn, key, consumer) then
    redis.call('HSET', 'queue:errors', redis.call('LINDEX', line(key), 0), error)
    bury(turn, key)
end
"""
)

# ARGV: turn, key, consumer. Another worker is to do it, now; that this one began it does not count.
HAND_OVER = (
    _WORDS
    + """
local turn, key, consumer = unpack(ARGV)
if mine(turn, key, consumer) then
    redis.call('HINCRBY', 'queue:deliveries', redis.call('LINDEX', line(key), 0), -1)
    end_turn(turn, key)
    give_turn(key)
end
"""
)

# ARGV: turn, key, consumer. A sign that it is being worked on. 0 when somebody else has it by now.
RENEW = (
    _WORDS
    + """
local turn, key, consumer = unpack(ARGV)
if not mine(turn, key, consumer) then return 0 end
renew(turn, consumer)
return 1
"""
)

# Those that have waited for long enough get their turn.
WAKE = (
    _WORDS
    + """
for _, key in ipairs(redis.call('ZRANGEBYSCORE', 'queue:waiting', '-inf', now_ms(), 'LIMIT', 0, 100)) do
    redis.call('ZREM', 'queue:waiting', key)
    give_turn(key)
end
"""
)

# ARGV: keys. Each whose turn is not in the stream any more gets another one.
RESTORE = (
    _WORDS
    + """
for _, key in ipairs(ARGV) do
    local turn = redis.call('HGET', 'queue:turns', key)
    if turn and #redis.call('XRANGE', 'queue:ready', turn, turn) == 0 then give_turn(key) end
end
"""
)

# ARGV: a dead letter's entry. It goes to the end of its key's line, as if it were new. 0 where there is none such.
REDRIVE = (
    _WORDS
    + """
local entry = redis.call('XRANGE', 'queue:dead', ARGV[1], ARGV[1])[1]
if not entry then return 0 end
local letter = {}
for place = 1, #entry[2], 2 do letter[entry[2][place]] = entry[2][place + 1] end
append(letter.key, letter.id, letter.message)
redis.call('XDEL', 'queue:dead', ARGV[1])
return 1
"""
)

# ARGV: milliseconds. Names of consumers that hold nothing and were not heard for so long.
FORGET = """
for _, told in ipairs(redis.call('XINFO', 'CONSUMERS', 'queue:ready', 'workers')) do
    local consumer = {}
    for place = 1, #told, 2 do consumer[told[place]] = told[place + 1] end
    if consumer.pending == 0 and consumer.idle > tonumber(ARGV[1]) then
        redis.call('XGROUP', 'DELCONSUMER', 'queue:ready', 'workers', consumer.name)
    end
end
"""
