//! SQLite: its connections and its schema.

mod migrate;
mod pools;

pub(crate) use migrate::{check, migrate};
#[cfg(test)]
pub(crate) use pools::writing;
pub(crate) use pools::{Pools, WRITE_TRIES_MAX, is_busy, passes};
