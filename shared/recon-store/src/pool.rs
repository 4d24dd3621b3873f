//! How much of the connections to the database is in use.

use crate::Store;
use crate::database::Database;

/// The counter of callers that waited for a connection until they gave up, for the recorder that the program installs.
pub const POOL_WAIT_TIMEOUTS: &str = "recon_database_pool_wait_timeouts_total";

/// A pool of connections, as it is at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool {
    /// What its connections are for: `primary` on PostgreSQL, `readers` and `writer` on SQLite.
    pub name: &'static str,
    /// How many connections are open and wait for somebody.
    pub idle: u32,
    /// How many somebody uses, those that are being opened included.
    pub used: u32,
    /// How many there may be.
    pub max: u32,
}

impl Store {
    /// The pools of connections to the database.
    #[must_use]
    pub fn pools(&self) -> Vec<Pool> {
        match self.database() {
            #[cfg(feature = "embedded")]
            Database::Sqlite(pools) => {
                vec![of("readers", pools.readers()), of("writer", pools.writer())]
            }
            #[cfg(feature = "cluster")]
            Database::Postgres(server) => vec![match server.opened_pool() {
                Some(pool) => of("primary", pool),
                None => Pool { name: "primary", idle: 0, used: 0, max: server.connections_max() },
            }],
        }
    }
}

fn of<D: sqlx::Database>(name: &'static str, pool: &sqlx::Pool<D>) -> Pool {
    // They are read one after the other, so that both may change between.
    let (idle, open) = (u32::try_from(pool.num_idle()).unwrap_or(u32::MAX), pool.size());
    let max = pool.options().get_max_connections();
    Pool { name, idle: idle.min(open), used: open.saturating_sub(idle), max }
}

/// Counts a caller that waited for a connection until it gave up.
pub(crate) fn look_at(error: &sqlx::Error) {
    if matches!(error, sqlx::Error::PoolTimedOut) {
        metrics::counter!(POOL_WAIT_TIMEOUTS).increment(1);
    }
}

#[cfg(test)]
#[cfg(feature = "embedded")]
mod tests {
    use metrics_util::debugging::{DebugValue, DebuggingRecorder};

    use super::*;
    use crate::{Error, StoreConfig};

    #[tokio::test]
    async fn those_who_wait_for_a_connection_in_vain_are_counted_whatever_they_wanted() {
        let recorder = DebuggingRecorder::new();
        let _recording = metrics::set_default_local_recorder(&recorder);
        let folder = tempfile::tempdir().unwrap();
        let config = StoreConfig { pool_connections_max: 1, ..StoreConfig::in_folder(folder.path()) };
        let store = Store::open(&config);
        store.migrate().await.unwrap();
        let Database::Sqlite(pools) = store.database() else { panic!("a file is SQLite") };
        let held = pools.readers().acquire().await.unwrap();
        let used = Pool { name: "readers", idle: 0, used: 1, max: 1 };
        assert_eq!(store.pools()[0], used);
        tokio::time::pause();
        assert!(matches!(store.jobs().backlog().await, Err(Error::Unavailable { .. })));
        store.session_backend().check().await.unwrap_err();
        tokio::time::resume();
        drop(held);
        store.jobs().backlog().await.unwrap();
        // It goes back on a task of its own.
        while store.pools()[0] != (Pool { idle: 1, used: 0, ..used }) {
            tokio::task::yield_now().await;
        }
        let counted = recorder.snapshotter().snapshot().into_vec();
        let [(counted, _, _, value)] = &counted[..] else { panic!("{counted:?}") };
        assert_eq!((counted.key().name(), value), (POOL_WAIT_TIMEOUTS, &DebugValue::Counter(2)));
    }
}
