create table datasets (
    id blob not null,
    workspace blob not null,
    name text not null,
    format text not null,
    options text not null,
    status text not null,
    upload_object text,
    upload_sha256 text,
    upload_bytes integer,
    content_object text,
    accepted_rows integer,
    rejected_rows integer,
    rejected_samples text,
    column_profiles text,
    dialect text,
    error_code text,
    error_detail text,
    created_at integer not null,
    constraint datasets_pk primary key (id),
    constraint datasets_workspace_fk foreign key (workspace) references workspaces (id),
    constraint datasets_status_known check (status in ('awaiting_upload', 'ingesting', 'ready', 'rejected')),
    constraint datasets_upload_whole check (
        (upload_object is null) = (upload_sha256 is null) and (upload_object is null) = (upload_bytes is null)
    ),
    constraint datasets_pinned_before_ingest check (status = 'awaiting_upload' or upload_object is not null),
    constraint datasets_ready_has_content check (
        status <> 'ready'
        or (content_object is not null and accepted_rows is not null and rejected_rows is not null
            and rejected_samples is not null and column_profiles is not null and dialect is not null)
    ),
    constraint datasets_rejected_says_why check (
        (status = 'rejected') = (error_code is not null) and (status = 'rejected') = (error_detail is not null)
    )
) strict;
create index datasets_by_workspace on datasets (workspace, id);
