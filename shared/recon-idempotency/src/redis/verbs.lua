-- One call of a verb. KEYS[1] is the record; ARGV[1] the verb, and then
--   read
--   claim     fingerprint, claim_token, seed, method, path, lease, retention
--   complete  fingerprint, claim_token, fence, retention, status, headers, body or reference, 'body' or 'reference'
--   release   fingerprint, claim_token, fence
--   extend    fingerprint, claim_token, fence, lease
-- It answers with the decision, the clock, and the record as it was before.

local TIME_MAX = 9007199254740991
local NAMES = {
    'fingerprint', 'method', 'path', 'state', 'fence', 'claim_token', 'seed', 'lease_until', 'expires_at', 'status',
    'headers', 'body', 'reference',
}

local function text(number)
    return string.format('%.0f', number)
end

local function plus(now, duration)
    return math.min(now + tonumber(duration), TIME_MAX)
end

-- The key lives as long as the record, never as long as the lease: with the key, fence and fingerprint would go.
local function keep(expires_at)
    redis.call('PEXPIREAT', KEYS[1], text(math.ceil(expires_at / 1000)))
end

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local verb = ARGV[1]
local values = redis.call('HMGET', KEYS[1], unpack(NAMES))
local record
if values[4] then
    record = {
        fingerprint = values[1],
        state = values[4],
        fence = tonumber(values[5]),
        claim_token = values[6],
        lease_until = tonumber(values[8] or ''),
        expires_at = tonumber(values[9]),
    }
end

local decided = { decision = 'read' }
if verb == 'claim' then
    decided = decide(record, { kind = 'request', fingerprint = ARGV[2] }, now)
elseif verb ~= 'read' then
    local event = { kind = verb, fingerprint = ARGV[2], claim_token = ARGV[3], fence = tonumber(ARGV[4]) }
    decided = decide(record, event, now)
end

-- The write that needs memory comes first in each: a server without any refuses it, and no other once something is written.
if decided.decision == 'run' then
    local lease_until = plus(now, ARGV[7])
    local expires_at = math.max(lease_until, plus(now, ARGV[8]))
    local seed = decided.seed == 'record' and values[7] or ARGV[4]
    redis.call('HSET', KEYS[1], 'fingerprint', ARGV[2], 'method', ARGV[5], 'path', ARGV[6], 'state', 'in_progress',
        'fence', text(decided.fence), 'claim_token', ARGV[3], 'seed', seed, 'lease_until', text(lease_until),
        'expires_at', text(expires_at))
    redis.call('HDEL', KEYS[1], 'status', 'headers', 'body', 'reference')
    keep(expires_at)
elseif decided.decision == 'apply' and verb == 'complete' then
    local expires_at = plus(now, ARGV[5])
    redis.call('HSET', KEYS[1], 'state', 'completed', 'expires_at', text(expires_at), 'status', ARGV[6], 'headers',
        ARGV[7], ARGV[9], ARGV[8])
    redis.call('HDEL', KEYS[1], 'lease_until')
    keep(expires_at)
elseif decided.decision == 'apply' and verb == 'release' then
    redis.call('DEL', KEYS[1])
elseif decided.decision == 'end_lease' then
    redis.call('HSET', KEYS[1], 'lease_until', text(now))
elseif decided.decision == 'apply' and verb == 'extend' then
    local lease_until = plus(now, ARGV[5])
    local expires_at = math.max(record.expires_at, lease_until)
    redis.call('HSET', KEYS[1], 'lease_until', text(lease_until), 'expires_at', text(expires_at))
    keep(expires_at)
end

return { decided.decision, text(now), values }
