-- The state machine of a record, as `transition::decide` has it. Times are microseconds; they are exact up to 2^53.

local RETRY_AFTER_MAX = 5000000
local RETRY_AFTER_MIN = 1000000

-- The fingerprint comes first, so that what another request is told never depends on timing.
local function standing(record, fingerprint, now)
    if record.fingerprint ~= fingerprint then
        return 'mismatch', 0
    end
    if record.state == 'completed' then
        return 'replay', 0
    end
    return 'in_flight', math.min(math.max(record.lease_until - now, RETRY_AFTER_MIN), RETRY_AFTER_MAX)
end

-- Neither fence nor state alone does: a record that was purged and made again counts from one.
local function holds(record, event)
    return record.state == 'in_progress' and record.fence == event.fence and record.claim_token == event.claim_token
end

-- `record` is what is kept, expired or not, or nil. What it gives:
--   decision  'run', 'answer', 'apply', 'end_lease' or 'lost'
--   fence     of the new claim, for 'run'
--   seed      'new' or 'record', for 'run'
--   standing  'replay', 'in_flight' or 'mismatch', for 'answer' and 'lost', where there is a record
--   retry_after  for 'in_flight'
local function decide(record, event, now)
    local live = record
    if record and record.expires_at <= now then
        live = nil
    end
    if event.kind == 'request' then
        if not live then
            return { decision = 'run', fence = (record and record.fence or 0) + 1, seed = 'new' }
        end
        local word, retry_after = standing(live, event.fingerprint, now)
        if word == 'in_flight' and live.lease_until <= now then
            return { decision = 'run', fence = live.fence + 1, seed = 'record' }
        end
        return { decision = 'answer', standing = word, retry_after = retry_after }
    end
    if not live then
        return { decision = 'lost' }
    end
    if holds(live, event) then
        if event.kind == 'release' and live.fence > 1 then
            return { decision = 'end_lease' }
        end
        return { decision = 'apply' }
    end
    local word, retry_after = standing(live, event.fingerprint, now)
    return { decision = 'lost', standing = word, retry_after = retry_after }
end
