create table users (
    id blob not null,
    workspace blob not null,
    email text not null,
    role text not null,
    password_hash text not null,
    session_tag text not null,
    disabled integer not null,
    sessions_valid_from integer not null,
    created_at integer not null,
    constraint users_pk primary key (id),
    constraint users_workspace_fk foreign key (workspace) references workspaces (id),
    constraint users_email_unique unique (email),
    constraint users_email_lowercase check (email = lower(email)),
    constraint users_session_tag_unique unique (session_tag),
    constraint users_role_known check (role in ('viewer', 'preparer', 'approver', 'admin')),
    constraint users_disabled_bool check (disabled in (0, 1))
) strict;
create index users_by_workspace on users (workspace, id);
