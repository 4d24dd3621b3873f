create table reconciliations (
    id blob not null,
    workspace blob not null,
    name text not null,
    left_dataset blob not null,
    right_dataset blob not null,
    rules text not null,
    status text not null,
    phase text not null,
    progress_done integer not null,
    progress_total integer not null,
    published_attempt integer,
    summary text,
    digest text,
    matches_object text,
    error_code text,
    error_detail text,
    version integer not null,
    created_at integer not null,
    started_at integer,
    finished_at integer,
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
) strict;
create index reconciliations_by_workspace on reconciliations (workspace, id);
create index reconciliations_by_left_dataset on reconciliations (left_dataset);
create index reconciliations_by_right_dataset on reconciliations (right_dataset);
