//! Connections: one that writes, several that read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use recon_idempotency::sqlite::look_up;
use recon_idempotency::{ClaimOutcome, Guard};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection, SqlitePool};
use tokio::time::Instant;
use tracing::Instrument;

use crate::Error;

/// How long a statement waits for another process's lock on the file.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(3);
/// How long a caller waits for a connection.
const POOL_WAIT_MAX: Duration = Duration::from_secs(3);
/// A transaction that takes this long, with its wait for the connection, is logged: others waited for it.
const SLOW_WRITE: Duration = Duration::from_secs(1);
/// How often a transaction is tried on a busy file.
const WRITE_TRIES_MAX: u32 = 3;

/// A SQLite file. Nothing is opened before the first use.
#[derive(Clone)]
pub(crate) struct Database(Arc<Pools>);

struct Pools {
    file: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

/// An error of a transaction, of which the database's own kind is one.
pub(crate) trait Refusal: From<Error> + Send + 'static {
    /// Whether running the same transaction again may succeed at once.
    fn is_busy(&self) -> bool;
}

impl Refusal for Error {
    fn is_busy(&self) -> bool {
        Self::is_busy(self)
    }
}

impl Database {
    pub(crate) fn open(file: &Path, readers_max: u32) -> Self {
        let pool = |connections_max| {
            SqlitePoolOptions::new()
                .max_connections(connections_max)
                .acquire_timeout(POOL_WAIT_MAX)
                // Connections to a file do not go stale, and a dead one shows itself at its first statement.
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
        };
        Self(Arc::new(Pools {
            file: file.to_owned(),
            writer: pool(1).connect_lazy_with(writing(file)),
            readers: pool(readers_max).connect_lazy_with(reading(file)),
        }))
    }

    pub(crate) fn file(&self) -> &Path {
        &self.0.file
    }

    /// Connections for single statements that read.
    pub(crate) fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }

    /// The connection that writes, for other crates' tables. Transactions on it must run on a task of their own.
    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.0.writer
    }

    /// Runs a transaction that writes: on a task of its own, so that a caller that goes away cannot leave it half done,
    /// and again from the start, a bounded number of times, when the file is busy.
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
        F: for<'a> Fn(&'a I, &'a mut SqliteConnection) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let pool = self.0.writer.clone();
        let detached = async move {
            let mut tries_left = WRITE_TRIES_MAX;
            loop {
                tries_left -= 1;
                let begun = Instant::now();
                let outcome = once(&pool, doing, &input, &transaction).await;
                if begun.elapsed() >= SLOW_WRITE {
                    let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                    tracing::warn!(doing, duration_ms, "slow transaction");
                }
                match outcome {
                    Err(refusal) if refusal.is_busy() && tries_left > 0 => {
                        tracing::debug!(doing, tries_left, "file is busy, running the transaction again");
                    }
                    outcome => return outcome,
                }
            }
        };
        match tokio::spawn(detached.instrument(tracing::Span::current())).await {
            Ok(outcome) => outcome,
            Err(source) if source.is_panic() => Err(Error::Panicked { doing, source }.into()),
            // The runtime is shutting down.
            Err(source) => Err(Error::Unavailable { doing, source: source.into() }.into()),
        }
    }

    /// What a request gets whose key is held already: a replay is one read and takes no lock. `None` when the request
    /// has to run, which only its transaction decides for good.
    pub(crate) async fn look_up<T>(&self, guard: &Guard<T>) -> Result<Option<ClaimOutcome<T>>, Error> {
        let mut reader = self.readers().acquire().await.map_err(Error::doing("idempotency_key"))?;
        Ok(look_up(&mut reader, guard.request()).await?.map(ClaimOutcome::from))
    }

    pub(crate) async fn close(&self) {
        self.0.readers.close().await;
        self.0.writer.close().await;
    }
}

async fn once<I, T, E, F>(pool: &SqlitePool, doing: &'static str, input: &I, transaction: &F) -> Result<T, E>
where
    E: Refusal,
    F: for<'a> Fn(&'a I, &'a mut SqliteConnection) -> BoxFuture<'a, Result<T, E>>,
{
    let begun = pool.begin_with("begin immediate").await;
    let mut tx = begun.map_err(Error::doing(doing))?;
    match transaction(input, &mut tx).await {
        Ok(value) => {
            tx.commit().await.map_err(Error::doing(doing))?;
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

/// Options of the connection that writes. A file that is not there is not made: only a migration does that.
pub(super) fn writing(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // What was acknowledged survives a power loss, not only a dead process.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(LOCK_WAIT_MAX)
        // A statement of many rows is long text; what is slow is logged by the name of its transaction.
        .disable_statement_logging()
}

fn reading(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .busy_timeout(LOCK_WAIT_MAX)
        .pragma("query_only", "on")
        .disable_statement_logging()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};

    use futures_util::FutureExt;
    use tokio::sync::Notify;

    use super::*;

    async fn table(folder: &Path) -> Database {
        let file = folder.join("a.db");
        let mut connection =
            <SqliteConnection as sqlx::Connection>::connect_with(&writing(&file).create_if_missing(true))
                .await
                .unwrap();
        sqlx::raw_sql("create table t (n integer)").execute(&mut connection).await.unwrap();
        Database::open(&file, 2)
    }

    async fn count(database: &Database) -> i64 {
        sqlx::query_scalar("select count(*) from t").fetch_one(database.readers()).await.unwrap()
    }

    async fn insert(tx: &mut SqliteConnection) -> Result<(), Error> {
        let insert = sqlx::query("insert into t values (1)").execute(tx).await;
        insert.map(|_| ()).map_err(Error::doing("test"))
    }

    #[tokio::test]
    async fn a_caller_dropped_in_the_middle_of_its_transaction_does_not_stop_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = table(folder.path()).await;
        for written in 1..=20 {
            let (inside, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
            let input = (Arc::clone(&inside), Arc::clone(&go_on));
            let caller = tokio::spawn({
                let database = database.clone();
                async move {
                    let transaction = database.write("test", input, |(inside, go_on), tx| {
                        async move {
                            insert(tx).await?;
                            inside.notify_one();
                            go_on.notified().await;
                            Ok::<(), Error>(())
                        }
                        .boxed()
                    });
                    transaction.await
                }
            });
            inside.notified().await;
            caller.abort();
            assert!(caller.await.unwrap_err().is_cancelled());
            assert_eq!(count(&database).await, written * 2 - 2);
            go_on.notify_one();
            // The next writer waits for the one connection, gets it clean, and its write counts.
            database.write("test", (), |(), tx| insert(tx).boxed()).await.unwrap();
            assert_eq!(count(&database).await, written * 2);
        }
    }

    #[tokio::test]
    async fn a_refused_transaction_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = table(folder.path()).await;
        let refused = database.write("test", (), |(), tx| {
            async move {
                insert(tx).await?;
                Err::<(), _>(Error::EmailTaken)
            }
            .boxed()
        });
        assert!(matches!(refused.await, Err(Error::EmailTaken)));
        assert_eq!(count(&database).await, 0);
    }

    #[tokio::test]
    async fn a_transaction_that_panics_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = table(folder.path()).await;
        let panicked = database.write("test", (), |(), tx| {
            async move {
                insert(tx).await?;
                assert_eq!(1, 2, "on purpose");
                Ok::<(), Error>(())
            }
            .boxed()
        });
        assert!(matches!(panicked.await, Err(Error::Panicked { doing: "test", .. })));
        database.write("test", (), |(), tx| insert(tx).boxed()).await.unwrap();
        assert_eq!(count(&database).await, 1);
    }

    /// What was logged in this process: where from, and what.
    static LOGGED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

    /// Keeps every event, whatever thread it comes from.
    struct Log;

    impl tracing::Subscriber for Log {
        fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
            true
        }
        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }
        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
        fn event(&self, event: &tracing::Event<'_>) {
            struct Fields(String);
            impl tracing::field::Visit for Fields {
                fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                    self.0.push_str(&format!("{field}={value:?} "));
                }
            }
            let mut fields = Fields(String::new());
            event.record(&mut fields);
            LOGGED.lock().unwrap().push((event.metadata().target().to_owned(), fields.0));
        }
        fn enter(&self, _: &tracing::span::Id) {}
        fn exit(&self, _: &tracing::span::Id) {}
    }

    #[tokio::test]
    async fn a_slow_transaction_is_logged_by_its_name_and_no_statement_is() {
        tracing::subscriber::set_global_default(Log).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let database = table(folder.path()).await;
        for (doing, takes) in [("quick", Duration::ZERO), ("slow", SLOW_WRITE)] {
            let write = database.write(doing, takes, |takes, tx| {
                async move {
                    insert(tx).await?;
                    tokio::time::pause();
                    tokio::time::advance(*takes).await;
                    tokio::time::resume();
                    Ok::<(), Error>(())
                }
                .boxed()
            });
            write.await.unwrap();
        }
        assert_eq!(count(&database).await, 2);
        let logged = LOGGED.lock().unwrap();
        let statements = logged.iter().filter(|(target, _)| target.starts_with("sqlx::query"));
        assert_eq!(statements.collect::<Vec<_>>(), Vec::<&(String, String)>::new());
        let slow: Vec<_> = logged.iter().filter(|(_, fields)| fields.contains("slow transaction")).collect();
        assert!(slow.len() == 1 && slow[0].1.contains("doing=\"slow\""), "{slow:?}");
    }

    #[tokio::test]
    async fn a_busy_transaction_runs_again_a_bounded_number_of_times() {
        let folder = tempfile::tempdir().unwrap();
        let database = table(folder.path()).await;
        let busy = || {
            let source = BusyError;
            Error::doing("test")(sqlx::Error::Database(Box::new(source)))
        };
        assert!(busy().is_busy());
        for (fails, succeeds) in [(WRITE_TRIES_MAX - 1, true), (WRITE_TRIES_MAX, false)] {
            let (before, runs) = (count(&database).await, Arc::new(AtomicU32::new(0)));
            let outcome = database
                .write("test", Arc::clone(&runs), move |runs, tx| {
                    async move {
                        insert(tx).await?;
                        if runs.fetch_add(1, Ordering::SeqCst) < fails { Err(busy()) } else { Ok(()) }
                    }
                    .boxed()
                })
                .await;
            assert_eq!(outcome.is_ok(), succeeds);
            assert_eq!(runs.load(Ordering::SeqCst), WRITE_TRIES_MAX);
            assert_eq!(count(&database).await, before + i64::from(succeeds));
        }
    }

    /// What SQLite says when another process holds the file.
    #[derive(Debug, thiserror::Error)]
    #[error("database is locked")]
    struct BusyError;

    impl sqlx::error::DatabaseError for BusyError {
        fn message(&self) -> &'static str {
            "database is locked"
        }
        fn code(&self) -> Option<std::borrow::Cow<'_, str>> {
            Some("517".into())
        }
        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> sqlx::error::ErrorKind {
            sqlx::error::ErrorKind::Other
        }
    }
}
