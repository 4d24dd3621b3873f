//! The SQLite backend: one file for the connections, one for the migrations, one for each table.

mod breaks;
mod database;
mod datasets;
mod interrupted;
mod jobs;
mod leases;
mod leftovers;
mod migrate;
mod reconciliations;
mod row;
mod sweep;
mod users;
mod workspaces;

pub(crate) use database::Database;
pub(crate) use migrate::{check, migrate};
