-- One row: which migration was the last, and the oldest build that may still use this schema.
create table schema_version (
    only_row integer not null,
    version integer not null,
    min_compatible integer not null,
    constraint schema_version_pk primary key (only_row),
    constraint schema_version_one_row check (only_row = 1)
) strict;
