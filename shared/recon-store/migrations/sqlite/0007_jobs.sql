-- The truth about what is to be done: queues only wake workers up.
create table jobs (
    id blob not null,
    workspace blob not null,
    kind text not null,
    subject blob not null,
    state text not null,
    attempt integer not null,
    failures integer not null,
    failures_max integer not null,
    run_after integer not null,
    worker text,
    lease_token blob,
    lease_until integer,
    heartbeat_at integer,
    last_error text,
    created_at integer not null,
    finished_at integer,
    constraint jobs_pk primary key (id),
    constraint jobs_workspace_fk foreign key (workspace) references workspaces (id),
    constraint jobs_kind_known check (kind in ('ingest', 'reconcile')),
    constraint jobs_state_known check (state in ('queued', 'running', 'done', 'dead')),
    constraint jobs_running_is_leased check (
        (state = 'running') = (lease_token is not null) and (state = 'running') = (lease_until is not null)
    )
) strict;
create index jobs_by_state on jobs (state, run_after);
create unique index jobs_one_live_per_subject on jobs (kind, subject) where state in ('queued', 'running');
