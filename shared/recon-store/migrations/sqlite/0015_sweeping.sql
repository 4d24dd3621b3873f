-- What the sweeper looks for by its age, and how far it came with what it goes through bit by bit.
create index datasets_by_age on datasets (created_at) where status in ('ready', 'rejected');
create index reconciliations_by_end on reconciliations (finished_at) where finished_at is not null;
create table sweep_places (
    task text not null,
    after text not null,
    constraint sweep_places_pk primary key (task)
) strict;
