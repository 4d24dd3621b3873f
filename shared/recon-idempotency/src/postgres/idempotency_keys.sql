-- Idempotency keys: one row a key in its scope. Times are microseconds since 1970-01-01T00:00:00Z.
-- A row with fence 0 is a place that a transaction holds while it decides; it counts as expired, and is never committed by a
-- caller that rolls back on errors.
create table idempotency_keys (
    id bytea not null,
    fingerprint bytea not null,
    method text not null,
    path text not null,
    state text not null,
    fence bigint not null,
    claim_token bytea not null,
    seed bytea not null,
    lease_until bigint,
    expires_at bigint not null,
    status bigint,
    headers text,
    body bytea,
    reference bytea,
    constraint idempotency_keys_pkey primary key (id),
    constraint idempotency_keys_lengths_check check (
        length(id) = 32 and length(fingerprint) = 32 and length(claim_token) = 16 and length(seed) = 32
        and (reference is null or length(reference) = 16)
    ),
    constraint idempotency_keys_fence_check check (fence > 0 or (fence = 0 and expires_at = 0)),
    constraint idempotency_keys_state_check check (
        case state
            when 'in_progress' then
                lease_until is not null and lease_until <= expires_at
                and status is null and headers is null and body is null and reference is null
            when 'completed' then
                lease_until is null and status between 200 and 499 and headers is not null
                and (body is null) <> (reference is null)
            else false
        end
    )
);

create index idempotency_keys_expires_at_idx on idempotency_keys (expires_at);
