//! Connections to a file: one that writes, several that read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection, SqlitePool, SqliteTransaction};

/// How often a transaction is tried on a busy file.
pub(crate) const WRITE_TRIES_MAX: u32 = 3;

/// How long a statement waits for another process's lock on the file.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(3);
/// How long a caller waits for a connection.
const POOL_WAIT_MAX: Duration = Duration::from_secs(3);

/// Connections to a file. None is opened before its first use.
pub(crate) struct Pools {
    file: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Pools {
    pub(crate) fn open(file: &Path, readers_max: u32) -> Self {
        let pool = |connections_max| {
            SqlitePoolOptions::new()
                .max_connections(connections_max)
                .acquire_timeout(POOL_WAIT_MAX)
                // Connections to a file do not go stale, and a dead one shows itself at its first statement.
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
                .after_release(|connection, _| Box::pin(is_clean(connection)))
        };
        Self {
            file: file.to_owned(),
            writer: pool(1).connect_lazy_with(writing(file)),
            readers: pool(readers_max).connect_lazy_with(reading(file)),
        }
    }

    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Connections for single statements that read.
    pub(crate) const fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// The connection that writes, for other crates' tables. Transactions on it must run on a task of their own.
    pub(crate) const fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// A transaction that writes: none runs beside it.
    pub(crate) async fn begin(&self) -> sqlx::Result<SqliteTransaction<'static>> {
        self.writer.begin_with("begin immediate").await
    }

    /// A transaction that reads: the log in front of the file gives a reader the state of its first statement, and waits
    /// for nobody.
    pub(crate) async fn snapshot(&self) -> sqlx::Result<SqliteTransaction<'static>> {
        self.readers.begin().await
    }

    pub(crate) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Whether a connection can be used again. Where a disk is full, SQLite ends a transaction by itself, and the rollback that
/// comes after fails: the connection counts as one in a transaction from then on, and begins no other.
async fn is_clean(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    if connection.is_in_transaction() {
        // A rollback may be on its way.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

// Primary result codes of SQLite.
const BUSY: u32 = 5;
const LOCKED: u32 = 6;
const READONLY: u32 = 8;
const IOERR: u32 = 10;
const FULL: u32 = 13;
const CANTOPEN: u32 = 14;

/// The primary result code: the low byte of the extended one.
fn primary(code: &str) -> Option<u32> {
    code.parse::<u32>().ok().map(|code| code & 0xff)
}

/// Whether a failure may pass.
pub(crate) fn passes(code: &str) -> bool {
    matches!(primary(code), Some(BUSY | LOCKED | READONLY | IOERR | FULL | CANTOPEN))
}

/// Whether running the same transaction again may succeed at once.
pub(crate) fn is_busy(code: &str) -> bool {
    matches!(primary(code), Some(BUSY | LOCKED))
}

/// Options of the connection that writes. A file that is not there is not made: only a migration does that.
pub(crate) fn writing(file: &Path) -> SqliteConnectOptions {
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
