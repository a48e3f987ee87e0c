-- The queue in one Redis. Each step of a job's life is one call, so that none is ever half done: FUNCTION KEYS, by ARGV[1].
--
-- job:ID          a hash: what was asked for, and what has become of it
-- queue:PRIORITY  jobs that may be begun, the next one first
-- due             jobs that wait for their time (ms)
-- leases          jobs that are being done, by when their worker has to have been heard of (ms)
-- dead            jobs that wait for somebody to look into them, by when they were put aside (ms)
-- unique:KEY      the one job of that key that is not done yet
-- after:ID        jobs that wait for that one to be done
-- ticks           schedules, by when they are to be heeded next (ms)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local OPEN = {waiting = true, running = true}

local function get(id, field) return redis.call('HGET', 'job:' .. id, field) end
local function set(id, ...) redis.call('HSET', 'job:' .. id, ...) end

local function push(id, end_of_queue)
  set(id, 'state', 'waiting')
  redis.call(end_of_queue, 'queue:' .. get(id, 'priority'), id)
end

-- It is queued, or waits for its time.
local function ready(id)
  if tonumber(get(id, 'due')) <= now then return push(id, 'RPUSH') end
  set(id, 'state', 'waiting')
  redis.call('ZADD', 'due', get(id, 'due'), id)
end

-- Gives the job its key; returns the open job that has it, if there is one.
local function take_key(id, key)
  if key == '' then return end
  local holder = redis.call('GET', 'unique:' .. key)
  if holder and OPEN[get(holder, 'state')] then return holder end
  redis.call('SET', 'unique:' .. key, id)
end

local function let_go(id)
  redis.call('ZREM', 'leases', id)
  local key = get(id, 'unique')
  if key ~= '' and redis.call('GET', 'unique:' .. key) == id then redis.call('DEL', 'unique:' .. key) end
end

-- Whether the run with this fence still has the job: who was away for longer than the lease has lost it.
local function has(id, fence) return get(id, 'state') == 'running' and get(id, 'fence') == fence end

local calls = {}

function calls.enqueue(id, kind, payload, priority, delay_ms, unique, after, timeout_s)
  if get(id, 'state') then return {'accepted', id} end  -- whoever did not hear the answer asks again
  local before = after == '' and 'done' or get(after, 'state')
  if not before or before == 'cancelled' then return {'refused', ''} end  -- it would wait for ever
  local holder = take_key(id, unique)
  if holder then return {'duplicate', holder} end
  set(id, 'kind', kind, 'payload', payload, 'priority', priority, 'unique', unique, 'timeout_s', timeout_s,
      'due', now + delay_ms, 'state', 'waiting', 'fence', 0, 'tries', 0, 'crashes', 0, 'progress', 0, 'error', '')
  if before ~= 'done' then
    redis.call('RPUSH', 'after:' .. after, id)
  else
    ready(id)
  end
  return {'accepted', id}
end

local function promote()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'due', '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('ZREM', 'due', id)
    push(id, 'RPUSH')
  end
end

local function take_back()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', 'leases', '-inf', now)) do
    redis.call('ZREM', 'leases', id)
    redis.call('HINCRBY', 'job:' .. id, 'crashes', 1)
    push(id, 'LPUSH')
  end
end

-- One turn of ten is that of the low ones, and one that of the normal ones, so that nothing waits for ever.
local TURNS = {[0] = {'low', 'normal', 'high'}, [5] = {'normal', 'high', 'low'}}

local function next_one()
  local turn = tonumber(redis.call('GET', 'turn') or 0) + 1
  for _, priority in ipairs(TURNS[turn % 10] or {'high', 'normal', 'low'}) do
    local id = redis.call('LPOP', 'queue:' .. priority)
    if id then
      redis.call('SET', 'turn', turn)
      return id
    end
  end
end

-- One that was begun as often as it may be is spent. It is claimed all the same: its worker may have died after it.
function calls.claim(lease_ms, max_tries, max_crashes)
  promote()
  take_back()
  local id = next_one()
  if not id then return false end
  local tries, crashes = tonumber(get(id, 'tries')), tonumber(get(id, 'crashes'))
  local spent = tries >= tonumber(max_tries) or crashes >= tonumber(max_crashes)
  if not spent then redis.call('HINCRBY', 'job:' .. id, 'tries', 1) end
  local fence = redis.call('HINCRBY', 'job:' .. id, 'fence', 1)
  set(id, 'state', 'running')
  redis.call('ZADD', 'leases', now + lease_ms, id)
  local job = redis.call('HMGET', 'job:' .. id, 'kind', 'payload', 'tries', 'timeout_s')
  return {id, tostring(fence), job[1], job[2], job[3], job[4], spent and 1 or 0}
end

function calls.renew(id, fence, lease_ms)
  if not has(id, fence) then return 0 end
  redis.call('ZADD', 'leases', now + lease_ms, id)
  return 1
end

function calls.progress(id, fence, percent)
  if has(id, fence) and tonumber(percent) > tonumber(get(id, 'progress')) then set(id, 'progress', percent) end
end

function calls.complete(id, fence, keep_ms)
  if not has(id, fence) then return 0 end
  let_go(id)
  set(id, 'state', 'done', 'progress', 100, 'error', '')
  redis.call('PEXPIRE', 'job:' .. id, keep_ms)
  for _, follower in ipairs(redis.call('LRANGE', 'after:' .. id, 0, -1)) do
    if get(follower, 'state') == 'waiting' then ready(follower) end
  end
  redis.call('DEL', 'after:' .. id)
  return 1
end

function calls.retry(id, fence, error, delay_ms)
  if not has(id, fence) then return 0 end
  redis.call('ZREM', 'leases', id)
  set(id, 'state', 'waiting', 'error', error)
  redis.call('ZADD', 'due', now + delay_ms, id)
  return 1
end

function calls.put_aside(id, fence, error)
  if not has(id, fence) then return 0 end
  let_go(id)
  set(id, 'state', 'dead', 'error', error)
  redis.call('ZADD', 'dead', now, id)
  return 1
end

function calls.requeue(id)
  if get(id, 'state') ~= 'dead' or take_key(id, get(id, 'unique')) then return 0 end
  redis.call('ZREM', 'dead', id)
  set(id, 'tries', 0, 'crashes', 0)
  push(id, 'RPUSH')
  return 1
end

function calls.cancel(id, keep_ms)
  if not OPEN[get(id, 'state')] then return 0 end
  redis.call('LREM', 'queue:' .. get(id, 'priority'), 0, id)
  redis.call('ZREM', 'due', id)
  let_go(id)
  set(id, 'state', 'cancelled')
  redis.call('PEXPIRE', 'job:' .. id, keep_ms)
  for _, follower in ipairs(redis.call('LRANGE', 'after:' .. id, 0, -1)) do calls.cancel(follower, keep_ms) end
  redis.call('DEL', 'after:' .. id)
  return 1
end

-- Of all who see that a schedule is due one moves it on, and makes the job.
function calls.tick(name, due_ms, next_ms, id, kind, payload)
  if tonumber(redis.call('ZSCORE', 'ticks', name)) ~= tonumber(due_ms) then return 0 end
  redis.call('ZADD', 'ticks', next_ms, name)
  calls.enqueue(id, kind, payload, 'normal', '0', '', '', '0')
  return 1
end

return calls[ARGV[1]](unpack(ARGV, 2))
