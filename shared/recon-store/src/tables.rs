//! The tables, one file each beside the record of the same name, on either database.

mod breaks;
mod datasets;
mod interrupted;
mod jobs;
mod leases;
mod leftovers;
mod reconciliations;
mod sweep;
mod users;
mod workspaces;
