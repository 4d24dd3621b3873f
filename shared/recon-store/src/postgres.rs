//! PostgreSQL: its connections and its schema.

mod migrate;
mod pooled;
mod sessions;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};

use tokio::time::Instant;

use crate::config::PostgresUrl;
use crate::database::Tx;

pub(crate) use migrate::{check, migrate};
pub(crate) use pooled::BEGIN as POOLED_BEGIN;
pub(crate) use sessions::sessions;

/// How a transaction that writes begins. Whatever order the database runs several in at once, it is as if they came one
/// after the other; where it cannot be, one of them is to run again.
const WRITE: &str = "begin isolation level serializable";
/// How a transaction begins whose statements all see one world.
const SNAPSHOT: &str = "begin isolation level repeatable read read only";
/// The server's clock.
pub(crate) const CLOCK: &str =
    "-- server_clock\nselect (extract(epoch from clock_timestamp()) * 1000000)::bigint";
/// How long a transaction is tried again that others get in the way of.
pub(crate) const TRIES_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a server may take for anything: longer than its own limits, which end what it still knows of.
const ANSWER_MAX: Duration = Duration::from_secs(15);
/// What is said about one that takes longer.
pub(crate) const SILENT: &str = "the server does not answer";
/// How long connections may take to close: the server sees those go that are cut.
pub(crate) const CLOSE_MAX: Duration = Duration::from_secs(5);
/// For how long every connection that comes back is closed after that. Whoever else is kept waiting gives up meanwhile, and
/// begins it anew.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How long a caller waits for a connection.
const POOL_WAIT_MAX: Duration = Duration::from_secs(3);
/// A connection that nothing used for so long is closed, and one of this age after its present work: so that connections
/// move when servers do.
const IDLE_MAX: Duration = Duration::from_mins(5);
const LIFETIME_MAX: Duration = Duration::from_mins(30);

/// A connection that rested for so long is asked whether its server is still there before it is used again.
const REST_MAX: Duration = Duration::from_secs(1);
/// How long it may take for that.
const PING_MAX: Duration = Duration::from_secs(3);

/// What a connection begins with: no statement waits for ever, and no transaction is left open.
const LIMITS: &str = "set statement_timeout = '10s'; set lock_timeout = '3s';
    set idle_in_transaction_session_timeout = '60s'";

/// A database and connections to it, none of which is opened before its first use.
pub(crate) struct Server {
    url: PostgresUrl,
    connections_max: u32,
    /// Made at its first use, which is in a runtime: it has a task that closes what rests too long.
    pool: OnceLock<PgPool>,
    answer_max: Duration,
    silence: Silence,
}

/// When the server last left somebody without an answer.
#[derive(Clone, Default)]
struct Silence(Arc<Mutex<Option<Instant>>>);

impl Silence {
    fn heard(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Runs what asks the server, and gives up when it takes longer.
    async fn within<T>(&self, limit: Duration, asking: impl Future<Output = T>) -> Option<T> {
        let mut asking = std::pin::pin!(asking);
        tokio::select! {
            answered = &mut asking => Some(answered),
            () = tokio::time::sleep(limit) => {
                // Before its connection goes back to the pool.
                self.heard();
                None
            }
        }
    }

    fn is_recent(&self) -> bool {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() < SILENCE_MAX)
    }
}

impl Server {
    pub(crate) fn of(url: &PostgresUrl, connections_max: u32) -> Self {
        let (pool, silence) = (OnceLock::new(), Silence::default());
        Self { url: url.clone(), connections_max, pool, answer_max: ANSWER_MAX, silence }
    }

    pub(crate) const fn url(&self) -> &PostgresUrl {
        &self.url
    }

    pub(crate) fn pool(&self) -> &PgPool {
        self.pool.get_or_init(|| pool(&self.url, self.connections_max, &self.silence))
    }

    /// The pool, if something used it yet.
    pub(crate) fn opened_pool(&self) -> Option<&PgPool> {
        self.pool.get()
    }

    pub(crate) const fn connections_max(&self) -> u32 {
        self.connections_max
    }

    /// Whether its connections are another client's after each transaction.
    pub(crate) fn is_pooled(&self) -> bool {
        self.url.is_pooled()
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> sqlx::Result<Tx> {
        self.begin_with(WRITE, pooled::WRITE).await
    }

    /// Begins a transaction that reads.
    pub(crate) async fn snapshot(&self) -> sqlx::Result<Tx> {
        self.begin_with(SNAPSHOT, pooled::SNAPSHOT).await
    }

    async fn begin_with(&self, named: &'static str, pooled: &'static str) -> sqlx::Result<Tx> {
        match self.is_pooled() {
            false => self.pool().begin_with(named).await.map(Tx::Postgres),
            true => self.pool().begin_with(pooled).await.map(Tx::Pooled),
        }
    }

    /// Runs what asks the server, and gives up on one that does not answer: it has limits of its own, which do not help
    /// where it is gone without a word.
    pub(crate) async fn in_time<T>(&self, asking: impl Future<Output = T>) -> Option<T> {
        self.silence.within(self.answer_max, asking).await
    }
}

fn pool(url: &PostgresUrl, connections_max: u32, silence: &Silence) -> PgPool {
    let (silence, is_pooled) = (silence.clone(), url.is_pooled());
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(POOL_WAIT_MAX)
        .idle_timeout(IDLE_MAX)
        .max_lifetime(LIFETIME_MAX)
        // To ask each time would cost a second way there and back. What was used a moment ago is alive.
        .test_before_acquire(false)
        .before_acquire(|connection, about| {
            Box::pin(async move { Ok(about.idle_for < REST_MAX || is_alive(connection).await) })
        })
        // The pool would ask a connection that comes back whether it is alive, and wait for the answer without end. And one
        // that was given up while its transaction began is still in it when the server answers again: it takes what is
        // written on it next for a part of that, and forgets it.
        .after_release(move |_, _| {
            let doubted = silence.is_recent();
            Box::pin(async move { Ok(!doubted) })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                // Behind a pooler it would be somebody else's connection that has them; there each transaction has its own.
                if !is_pooled {
                    sqlx::raw_sql(LIMITS).execute(&mut *connection).await?;
                }
                match is_primary(connection).await? {
                    true => Ok(()),
                    false => Err(sqlx::Error::Io(std::io::Error::other("the server is a replica"))),
                }
            })
        })
        .connect_lazy_with(url.options())
}

/// Whether a server still answers, as the one that may be written to. One that was lost without a word would keep who asks
/// waiting for ever.
async fn is_alive(connection: &mut PgConnection) -> bool {
    matches!(tokio::time::timeout(PING_MAX, is_primary(connection)).await, Ok(Ok(true)))
}

/// Whether this is the server that may be written to: what a replica says may be over, sessions and keys above all.
async fn is_primary(connection: &mut PgConnection) -> sqlx::Result<bool> {
    // As text: nothing stays prepared behind a pooler.
    let row = sqlx::raw_sql("-- server_role\nselect not pg_is_in_recovery()").fetch_one(connection).await?;
    row.try_get(0)
}

/// Whether a failure may pass: the server is not there, starts, is full, became a replica, or took too long.
pub(crate) fn passes(code: &str) -> bool {
    let class = code.get(..2).unwrap_or_default();
    matches!(class, "08" | "28" | "53" | "57" | "58")
        // The last two are what a replica says to a statement that writes, and to a transaction that is to.
        || matches!(code, "3D000" | "55P03" | "25006" | "0A000")
        || is_busy(code)
}

/// Whether a statement by itself met what others wrote at the same time: a row that it refers to is gone, or it was in
/// somebody's way.
pub(crate) fn was_overtaken(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code.starts_with("23") || is_busy(&code))
}

/// Whether running the same transaction again may succeed at once: others were in its way.
pub(crate) fn is_busy(code: &str) -> bool {
    matches!(code, "40001" | "40P01")
}
