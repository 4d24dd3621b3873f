-- A dataset whose upload never came is rejected after a while, and then has no upload. SQLite takes a constraint away only
-- with its table.
create table datasets_that_expire (
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
) strict;
insert into datasets_that_expire (id, workspace, name, format, options, status, upload_object, upload_sha256,
    upload_bytes, content_object, accepted_rows, rejected_rows, rejected_samples, column_profiles, dialect,
    error_code, error_detail, created_at)
select id, workspace, name, format, options, status, upload_object, upload_sha256, upload_bytes, content_object,
    accepted_rows, rejected_rows, rejected_samples, column_profiles, dialect, error_code, error_detail, created_at
from datasets;
drop table datasets;
alter table datasets_that_expire rename to datasets;
create index datasets_by_workspace on datasets (workspace, id);
create index datasets_awaiting_upload on datasets (created_at) where status = 'awaiting_upload';
