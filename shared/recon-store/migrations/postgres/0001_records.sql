-- Ids are UUIDs, times are microseconds since 1970-01-01T00:00:00Z, documents are JSON text that the store does not read.

-- One row: which migration was the last, and the oldest build that may still use this schema.
create table schema_version (
    only_row bigint not null,
    version bigint not null,
    min_compatible bigint not null,
    constraint schema_version_pk primary key (only_row),
    constraint schema_version_one_row check (only_row = 1)
);

create table workspaces (
    id uuid not null,
    name text not null,
    created_at bigint not null,
    constraint workspaces_pk primary key (id),
    constraint workspaces_name_unique unique (name)
);

create table users (
    id uuid not null,
    workspace uuid not null,
    email text not null,
    role text not null,
    password_hash text not null,
    session_tag text not null,
    disabled boolean not null,
    sessions_valid_from bigint not null,
    created_at bigint not null,
    constraint users_pk primary key (id),
    constraint users_workspace_fk foreign key (workspace) references workspaces (id),
    constraint users_email_unique unique (email),
    constraint users_email_lowercase check (email = lower(email collate "C")),
    constraint users_session_tag_unique unique (session_tag),
    constraint users_role_known check (role in ('viewer', 'preparer', 'approver', 'admin'))
);
create index users_by_workspace on users (workspace, id);

create table datasets (
    id uuid not null,
    workspace uuid not null,
    name text not null,
    format text not null,
    options text not null,
    status text not null,
    upload_object text,
    upload_sha256 text,
    upload_bytes bigint,
    upload_seen_at bigint,
    content_object text,
    accepted_rows bigint,
    rejected_rows bigint,
    rejected_samples text,
    column_profiles text,
    dialect text,
    error_code text,
    error_detail text,
    created_at bigint not null,
    constraint datasets_pk primary key (id),
    constraint datasets_workspace_fk foreign key (workspace) references workspaces (id),
    constraint datasets_status_known check (status in ('awaiting_upload', 'ingesting', 'ready', 'rejected')),
    constraint datasets_upload_whole check (
        (upload_object is null) = (upload_sha256 is null) and (upload_object is null) = (upload_bytes is null)
    ),
    constraint datasets_pinned_before_ingest check (
        status in ('awaiting_upload', 'rejected') or upload_object is not null
    ),
    constraint datasets_ready_has_content check (
        status <> 'ready'
        or (content_object is not null and accepted_rows is not null and rejected_rows is not null
            and rejected_samples is not null and column_profiles is not null and dialect is not null)
    ),
    constraint datasets_rejected_says_why check (
        (status = 'rejected') = (error_code is not null) and (status = 'rejected') = (error_detail is not null)
    )
);
create index datasets_by_workspace on datasets (workspace, id);
create index datasets_awaiting_upload on datasets (created_at) where status = 'awaiting_upload';
create index datasets_by_age on datasets (created_at) where status in ('ready', 'rejected');

-- The truth about what is to be done: queues only wake workers up.
create table jobs (
    id uuid not null,
    workspace uuid not null,
    kind text not null,
    subject uuid not null,
    state text not null,
    attempt bigint not null,
    failures bigint not null,
    failures_max bigint not null,
    run_after bigint not null,
    worker text,
    lease_token bytea,
    lease_until bigint,
    heartbeat_at bigint,
    last_error text,
    created_at bigint not null,
    finished_at bigint,
    constraint jobs_pk primary key (id),
    constraint jobs_workspace_fk foreign key (workspace) references workspaces (id),
    constraint jobs_kind_known check (kind in ('ingest', 'reconcile')),
    constraint jobs_state_known check (state in ('queued', 'running', 'done', 'dead')),
    constraint jobs_running_is_leased check (
        (state = 'running') = (lease_token is not null) and (state = 'running') = (lease_until is not null)
    )
);
create index jobs_by_state on jobs (state, run_after);
create index jobs_by_subject on jobs (subject);
create unique index jobs_one_live_per_subject on jobs (kind, subject) where state in ('queued', 'running');

create table reconciliations (
    id uuid not null,
    workspace uuid not null,
    name text not null,
    left_dataset uuid not null,
    right_dataset uuid not null,
    rules text not null,
    status text not null,
    phase text not null,
    progress_done bigint not null,
    progress_total bigint not null,
    published_attempt bigint,
    summary text,
    digest text,
    matches_object text,
    error_code text,
    error_detail text,
    version bigint not null,
    created_at bigint not null,
    started_at bigint,
    finished_at bigint,
    constraint reconciliations_pk primary key (id),
    constraint reconciliations_workspace_fk foreign key (workspace) references workspaces (id),
    constraint reconciliations_left_fk foreign key (left_dataset) references datasets (id),
    constraint reconciliations_right_fk foreign key (right_dataset) references datasets (id),
    constraint reconciliations_status_known
        check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    constraint reconciliations_phase_known
        check (phase in ('queued', 'reading', 'matching', 'classifying', 'writing', 'done')),
    constraint reconciliations_published_whole check (
        (status = 'succeeded') = (published_attempt is not null) and (status = 'succeeded') = (summary is not null)
        and (status = 'succeeded') = (digest is not null) and (status = 'succeeded') = (matches_object is not null)
    ),
    constraint reconciliations_failed_says_why check (
        (status = 'failed') = (error_code is not null) and (status = 'failed') = (error_detail is not null)
    )
);
create index reconciliations_by_workspace on reconciliations (workspace, id);
create index reconciliations_by_status on reconciliations (workspace, status, id);
create index reconciliations_by_left_dataset on reconciliations (left_dataset);
create index reconciliations_by_right_dataset on reconciliations (right_dataset);
create index reconciliations_by_end on reconciliations (finished_at) where finished_at is not null;

-- Rows of attempts that were never published stand here too; no reader sees them. Nothing ties them to their
-- reconciliation: that is gone at once, and its breaks, which may be millions, follow in short transactions.
create table breaks (
    reconciliation uuid not null,
    attempt bigint not null,
    side text collate "C" not null,
    row_number bigint not null,
    id uuid not null,
    kind text collate "C" not null,
    body text not null,
    status text not null,
    version bigint not null,
    constraint breaks_pk primary key (reconciliation, attempt, side, row_number),
    constraint breaks_side_known check (side in ('left', 'right')),
    constraint breaks_status_known check (status in ('open', 'explained', 'resolved', 'written_off'))
);
create index breaks_by_kind on breaks (reconciliation, attempt, kind, side, row_number);

-- How far the sweeper came with what it goes through bit by bit.
create table sweep_places (
    task text not null,
    after text not null,
    constraint sweep_places_pk primary key (task)
);
