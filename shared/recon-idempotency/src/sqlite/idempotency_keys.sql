-- Idempotency keys: one row a key in its scope. Times are microseconds since 1970-01-01T00:00:00Z.
create table idempotency_keys (
    id blob not null,
    fingerprint blob not null,
    method text not null,
    path text not null,
    state text not null,
    fence integer not null,
    claim_token blob not null,
    seed blob not null,
    lease_until integer,
    expires_at integer not null,
    status integer,
    headers text,
    body blob,
    reference blob,
    constraint idempotency_keys_pkey primary key (id),
    constraint idempotency_keys_lengths_check check (
        length(id) = 32 and length(fingerprint) = 32 and length(claim_token) = 16 and length(seed) = 32
        and (reference is null or length(reference) = 16)
    ),
    constraint idempotency_keys_fence_check check (fence > 0),
    constraint idempotency_keys_state_check check (
        case state
            when 'in_progress' then
                lease_until is not null and lease_until <= expires_at
                and status is null and headers is null and body is null and reference is null
            when 'completed' then
                lease_until is null and status between 200 and 499 and headers is not null
                and (body is null) <> (reference is null)
            else 0
        end
    )
) strict;

create index idempotency_keys_expires_at_idx on idempotency_keys (expires_at);
