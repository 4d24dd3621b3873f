//! Transactions on a SQLite file.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

use futures_util::FutureExt;
use sqlx::SqliteConnection;

use super::*;
use crate::sql::query;

async fn table(folder: &Path) -> Database {
    let file = folder.join("a.db");
    let options = sqlite::writing(&file).create_if_missing(true);
    let mut connection = <SqliteConnection as sqlx::Connection>::connect_with(&options).await.unwrap();
    sqlx::raw_sql("create table t (n integer)").execute(&mut connection).await.unwrap();
    let mut config = StoreConfig::in_folder(folder);
    config.database = DatabaseUrl::Sqlite(file);
    Database::open(&config)
}

async fn count(database: &Database) -> i64 {
    query("select count(*) from t").scalar_optional(database.readers()).await.unwrap().unwrap()
}

async fn insert(tx: &mut Connection<'_>) -> Result<(), Error> {
    let insert = query("insert into t values (1)").execute(tx).await;
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
    for (fails, succeeds) in [(sqlite::WRITE_TRIES_MAX - 1, true), (sqlite::WRITE_TRIES_MAX, false)] {
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
        assert_eq!(runs.load(Ordering::SeqCst), sqlite::WRITE_TRIES_MAX);
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
