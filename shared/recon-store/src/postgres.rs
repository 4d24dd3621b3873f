//! PostgreSQL: its connections and its schema.

mod migrate;

use std::sync::OnceLock;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::config::PostgresUrl;

pub(crate) use migrate::{check, migrate};

/// How a transaction that writes begins. Whatever order the database runs several in at once, it is as if they came one
/// after the other; where it cannot be, one of them is to run again.
pub(crate) const WRITE: &str = "begin isolation level serializable";
/// How a transaction begins whose statements all see one world.
pub(crate) const SNAPSHOT: &str = "begin isolation level repeatable read read only";
/// How often a transaction is tried that others get in the way of.
pub(crate) const WRITE_TRIES_MAX: u32 = 12;

/// How long a caller waits for a connection.
const POOL_WAIT_MAX: Duration = Duration::from_secs(3);
/// A connection that nothing used for so long is closed, and one of this age after its present work: so that connections
/// move when servers do.
const IDLE_MAX: Duration = Duration::from_mins(5);
const LIFETIME_MAX: Duration = Duration::from_mins(30);

/// A connection that rested for so long is asked whether its server is still there before it is used again.
const REST_MAX: Duration = Duration::from_secs(1);

/// What a connection begins with: no statement waits for ever, and no transaction is left open.
const LIMITS: &str = "set statement_timeout = '10s'; set lock_timeout = '3s';
    set idle_in_transaction_session_timeout = '60s'";

/// A database and connections to it, none of which is opened before its first use.
pub(crate) struct Server {
    url: PostgresUrl,
    connections_max: u32,
    /// Made at its first use, which is in a runtime: it has a task that closes what rests too long.
    pool: OnceLock<PgPool>,
}

impl Server {
    pub(crate) fn of(url: &PostgresUrl, connections_max: u32) -> Self {
        Self { url: url.clone(), connections_max, pool: OnceLock::new() }
    }

    pub(crate) const fn url(&self) -> &PostgresUrl {
        &self.url
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.pool.get_or_init(|| pool(&self.url, self.connections_max))
    }
}

fn pool(url: &PostgresUrl, connections_max: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(POOL_WAIT_MAX)
        .idle_timeout(IDLE_MAX)
        .max_lifetime(LIFETIME_MAX)
        // To ask each time would cost a second way there and back. What was used a moment ago is alive.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move {
                if about.idle_for >= REST_MAX {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .after_connect(|connection, _| {
            Box::pin(async move { sqlx::raw_sql(LIMITS).execute(connection).await.map(drop) })
        })
        .connect_lazy_with(url.options())
}

/// Whether a failure may pass: the server is not there, starts, is full, became a replica, or took too long.
pub(crate) fn passes(code: &str) -> bool {
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "28" | "53" | "57" | "58")
        || matches!(code, "3D000" | "25006" | "55P03")
        || is_busy(code)
}

/// Whether running the same transaction again may succeed at once: others were in its way.
pub(crate) fn is_busy(code: &str) -> bool {
    matches!(code, "40001" | "40P01")
}
