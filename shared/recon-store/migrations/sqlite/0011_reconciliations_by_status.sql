create index reconciliations_by_status on reconciliations (workspace, status, id);
