-- A deleted reconciliation is gone at once; its breaks, which may be millions, follow in short transactions. So nothing
-- may tie them to it. SQLite takes a constraint away only with its table.
create table breaks_without_parent (
    reconciliation blob not null,
    attempt integer not null,
    side text not null,
    row_number integer not null,
    id blob not null,
    kind text not null,
    body text not null,
    status text not null,
    version integer not null,
    constraint breaks_pk primary key (reconciliation, attempt, side, row_number),
    constraint breaks_side_known check (side in ('left', 'right')),
    constraint breaks_status_known check (status in ('open', 'explained', 'resolved', 'written_off'))
) strict;
insert into breaks_without_parent (reconciliation, attempt, side, row_number, id, kind, body, status, version)
select reconciliation, attempt, side, row_number, id, kind, body, status, version from breaks;
drop table breaks;
alter table breaks_without_parent rename to breaks;
create index breaks_by_kind on breaks (reconciliation, attempt, kind, side, row_number);
