//! Connections, and the one way to write.

mod keys;
mod sessions;

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use recon_domain::Instant;
#[cfg(feature = "cluster")]
use recon_idempotency::postgres::unnamed::Unnamed;
use recon_session::backend::Backend;
use tokio::time::Instant as Moment;
use tracing::Instrument;

use self::sessions::SessionsInTime;
#[cfg(feature = "cluster")]
use crate::clock::random;
#[cfg(feature = "cluster")]
use crate::postgres;
#[cfg(feature = "cluster")]
use crate::sql::query;
use crate::sql::{Connection, Place};
#[cfg(feature = "embedded")]
use crate::sqlite;
use crate::{Clock, DatabaseUrl, Error, Migrated, Schema, StoreConfig};

/// A transaction that takes this long, with its wait for the connection, is logged: others waited for it.
const SLOW_WRITE: Duration = Duration::from_secs(1);

/// A database. Nothing is opened before the first use. Clones share connections.
#[derive(Clone)]
pub(crate) enum Database {
    #[cfg(feature = "embedded")]
    Sqlite(Arc<sqlite::Pools>),
    #[cfg(feature = "cluster")]
    Postgres(Arc<postgres::Server>),
}

/// A transaction. What is not committed is rolled back.
pub(crate) enum Tx {
    #[cfg(feature = "embedded")]
    Sqlite(sqlx::SqliteTransaction<'static>),
    #[cfg(feature = "cluster")]
    Postgres(sqlx::PgTransaction<'static>),
    #[cfg(feature = "cluster")]
    Pooled(sqlx::PgTransaction<'static>),
}

/// An error of a transaction, of which the database's own kind is one.
pub(crate) trait Refusal: From<Error> + Send + 'static {
    /// The database's own, if it is that.
    fn of_database(&self) -> Option<&Error>;
}

impl Refusal for Error {
    fn of_database(&self) -> Option<&Error> {
        Some(self)
    }
}

impl Database {
    pub(crate) fn open(config: &StoreConfig) -> Self {
        match &config.database {
            #[cfg(feature = "embedded")]
            DatabaseUrl::Sqlite(file) => {
                Self::Sqlite(Arc::new(sqlite::Pools::open(file, config.pool_connections_max)))
            }
            #[cfg(feature = "cluster")]
            DatabaseUrl::Postgres(url) => {
                Self::Postgres(Arc::new(postgres::Server::of(url, config.pool_connections_max)))
            }
        }
    }

    /// Reaches the database and compares its schema with the one that this build needs.
    pub(crate) async fn check(&self) -> Result<Schema, Error> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(pools) => sqlite::check(pools).await,
            #[cfg(feature = "cluster")]
            Self::Postgres(_) => postgres::check(self).await,
        }
    }

    /// Brings the database to this build's schema.
    pub(crate) async fn migrate(&self) -> Result<Migrated, Error> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(pools) => sqlite::migrate(pools).await,
            #[cfg(feature = "cluster")]
            Self::Postgres(server) => postgres::migrate(server.url()).await,
        }
    }

    /// Whether leases run out by its own clock and not by this one.
    pub(crate) const fn tells_time(&self, clock: &Clock) -> bool {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(_) => {
                _ = clock;
                false
            }
            #[cfg(feature = "cluster")]
            Self::Postgres(_) => clock.is_hosts(),
        }
    }

    /// The time by which leases run out. Hosts that share a server need not agree on the time, so it is the server's.
    pub(crate) async fn now(&self, clock: &Clock) -> Result<Instant, Error> {
        match self {
            #[cfg(feature = "cluster")]
            Self::Postgres(server) if self.tells_time(clock) => {
                let (micros,): (i64,) = query(postgres::CLOCK)
                    .fetch_one(Place::Postgres(server))
                    .await
                    .map_err(Error::doing("server_clock"))?;
                Ok(Instant::from_micros(micros))
            }
            _ => Ok(clock.now()),
        }
    }

    /// Connections for single statements that read.
    pub(crate) fn readers(&self) -> Place<'_> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(pools) => Place::Sqlite(pools.readers()),
            #[cfg(feature = "cluster")]
            Self::Postgres(server) => Place::Postgres(server),
        }
    }

    /// Runs statements that read in one transaction, so that all of them see one world, whatever is written meanwhile. On a
    /// task of its own: a caller that goes away must not leave its connection inside of it.
    pub(crate) async fn snapshot<I, T, F>(
        &self,
        doing: &'static str,
        input: I,
        reading: F,
    ) -> Result<T, Error>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        F: for<'a> Fn(&'a I, &'a mut Connection<'_>) -> BoxFuture<'a, Result<T, Error>>
            + Send
            + Sync
            + 'static,
    {
        let database = self.clone();
        let detached = async move {
            let run = async {
                let begun = match &database {
                    #[cfg(feature = "embedded")]
                    Self::Sqlite(pools) => pools.snapshot().await.map(Tx::Sqlite),
                    #[cfg(feature = "cluster")]
                    Self::Postgres(server) => server.snapshot().await,
                };
                let mut tx = begun.map_err(Error::doing(doing))?;
                let read = reading(&input, &mut tx.connection()).await?;
                tx.commit(doing).await?;
                Ok(read)
            };
            database.in_time(doing, run).await
        };
        joined(doing, tokio::spawn(detached.instrument(tracing::Span::current())).await)
    }

    /// Ends what a server does not answer. It has limits of its own, which do not help where it is gone without a word.
    async fn in_time<T, E: From<Error>>(
        &self,
        doing: &'static str,
        run: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(_) => {
                _ = doing;
                run.await
            }
            #[cfg(feature = "cluster")]
            Self::Postgres(server) => match server.in_time(run).await {
                Some(outcome) => outcome,
                None => Err(Error::Unavailable { doing, source: postgres::SILENT.into() }.into()),
            },
        }
    }

    /// Runs a transaction that writes, as if no other ran at the same time: on a task of its own, so that a caller that
    /// goes away cannot leave it half done, and again from the start, a bounded number of times, when others are in its way.
    ///
    /// An error rolls everything back. `transaction` may run more than once and must not reach outside of it.
    pub(crate) async fn write<I, T, E, F>(
        &self,
        doing: &'static str,
        input: I,
        transaction: F,
    ) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: Refusal,
        F: for<'a> Fn(&'a I, &'a mut Connection<'_>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let database = self.clone();
        let detached = async move {
            let (first, mut tries) = (Moment::now(), 0);
            loop {
                tries += 1;
                let begun = Moment::now();
                let once = database.once(doing, &input, &transaction);
                let outcome = database.in_time(doing, once).await;
                if begun.elapsed() >= SLOW_WRITE {
                    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(doing, duration_ms, "slow transaction");
                }
                let refusal = outcome.as_ref().err().and_then(Refusal::of_database);
                let busy = refusal.is_some_and(Error::is_busy);
                if !busy || !database.make_way(tries, first.elapsed()).await {
                    return outcome;
                }
                tracing::debug!(doing, tries, "others were in the way, running the transaction again");
            }
        };
        joined(doing, tokio::spawn(detached.instrument(tracing::Span::current())).await)
    }

    /// Sessions in the same database.
    pub(crate) fn sessions(&self) -> Arc<dyn Backend> {
        let sessions: Arc<dyn Backend> = match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(pools) => {
                let (read, write) = (pools.readers().clone(), pools.writer().clone());
                Arc::new(recon_session::sqlite::SqliteSessions::new(read, write))
            }
            #[cfg(feature = "cluster")]
            Self::Postgres(server) => postgres::sessions(server),
        };
        Arc::new(SessionsInTime::new(sessions, self.clone()))
    }

    pub(crate) async fn close(&self) {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(pools) => pools.close().await,
            #[cfg(feature = "cluster")]
            Self::Postgres(server) => {
                if tokio::time::timeout(postgres::CLOSE_MAX, server.pool().close()).await.is_err() {
                    tracing::warn!("connections to the database are cut: it does not answer");
                }
            }
        }
    }

    async fn once<I, T, E, F>(&self, doing: &'static str, input: &I, transaction: &F) -> Result<T, E>
    where
        E: Refusal,
        F: for<'a> Fn(&'a I, &'a mut Connection<'_>) -> BoxFuture<'a, Result<T, E>>,
    {
        let begun = match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(pools) => pools.begin().await.map(Tx::Sqlite),
            #[cfg(feature = "cluster")]
            Self::Postgres(server) => server.begin().await,
        };
        let mut tx = begun.map_err(Error::doing(doing))?;
        match transaction(input, &mut tx.connection()).await {
            Ok(value) => {
                fail::fail_point!(&format!("{doing}-before-commit"));
                tx.commit(doing).await?;
                fail::fail_point!(&format!("{doing}-after-commit"));
                Ok(value)
            }
            Err(refusal) => {
                // A failed rollback changes nothing: the connection rolls back when it is next used, or closed.
                if let Err(error) = tx.rollback().await {
                    tracing::warn!(doing, %error, "transaction not rolled back at once");
                }
                Err(refusal)
            }
        }
    }

    /// Lets others finish that were in a transaction's way this often and for so long, and says whether it may run again.
    async fn make_way(&self, tries: u32, since: Duration) -> bool {
        match self {
            // It waited for the lock each time.
            #[cfg(feature = "embedded")]
            Self::Sqlite(_) => {
                _ = since;
                tries < sqlite::WRITE_TRIES_MAX
            }
            #[cfg(feature = "cluster")]
            Self::Postgres(_) => {
                if since >= postgres::TRIES_TIME_MAX {
                    return false;
                }
                let bound = 8_u64 << tries.min(6);
                let bytes = random().unwrap_or([0x55; 8]);
                tokio::time::sleep(Duration::from_millis(u64::from_le_bytes(bytes) % bound)).await;
                true
            }
        }
    }
}

/// What became of a task.
fn joined<T, E: From<Error>>(
    doing: &'static str,
    ended: Result<Result<T, E>, tokio::task::JoinError>,
) -> Result<T, E> {
    match ended {
        Ok(outcome) => outcome,
        Err(source) if source.is_panic() => Err(Error::Panicked { doing, source }.into()),
        // The runtime is shutting down.
        Err(source) => Err(Error::Unavailable { doing, source: source.into() }.into()),
    }
}

impl Tx {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(tx) => Connection::Sqlite(tx),
            #[cfg(feature = "cluster")]
            Self::Postgres(tx) => Connection::Postgres(tx),
            #[cfg(feature = "cluster")]
            Self::Pooled(tx) => Connection::Pooled(Unnamed::new(tx)),
        }
    }

    pub(crate) async fn commit(self, doing: &'static str) -> Result<(), Error> {
        let committed = match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(tx) => tx.commit().await,
            #[cfg(feature = "cluster")]
            Self::Postgres(tx) | Self::Pooled(tx) => tx.commit().await,
        };
        committed.map_err(Error::doing(doing))
    }

    async fn rollback(self) -> sqlx::Result<()> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(tx) => tx.rollback().await,
            #[cfg(feature = "cluster")]
            Self::Postgres(tx) | Self::Pooled(tx) => tx.rollback().await,
        }
    }
}

#[cfg(test)]
#[cfg(feature = "embedded")]
mod tests;
