create table workspaces (
    id blob not null,
    name text not null,
    created_at integer not null,
    constraint workspaces_pk primary key (id),
    constraint workspaces_name_unique unique (name)
) strict;
