-- Rows of attempts that were never published stand here too; no reader sees them.
create table breaks (
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
    constraint breaks_reconciliation_fk foreign key (reconciliation) references reconciliations (id),
    constraint breaks_side_known check (side in ('left', 'right')),
    constraint breaks_status_known check (status in ('open', 'explained', 'resolved', 'written_off'))
) strict;
create index breaks_by_kind on breaks (reconciliation, attempt, kind, side, row_number);
