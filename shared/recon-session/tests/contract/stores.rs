//! The stores that the suite runs on, each empty and private to its test.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use recon_session::sqlite::{MIGRATION, MIGRATION_LISTING, SqliteSessions};
use recon_session::{Lifetimes, Sessions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

/// Longer than any stall of a slow machine.
const LIMIT: Duration = Duration::from_secs(30);

/// A store, for as long as it is held.
pub(crate) struct Store<Kept> {
    pub(crate) sessions: Sessions,
    pub(crate) kept: Kept,
}

/// A database file and a pool that writes to it.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) pool: SqlitePool,
    _folder: tempfile::TempDir,
}

pub(crate) async fn sqlite() -> Store<File> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(10));
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await.unwrap();
    for step in [MIGRATION, MIGRATION_LISTING] {
        sqlx::raw_sql(step).execute(&pool).await.unwrap();
    }
    let read =
        SqlitePoolOptions::new().max_connections(2).connect_with(options.read_only(true)).await.unwrap();
    let sessions = Sessions::new(Arc::new(SqliteSessions::new(read, pool.clone())), Lifetimes::default());
    Store { sessions, kept: File { path, pool, _folder: folder } }
}

/// A pool of a private database.
pub(crate) async fn postgres() -> Store<sqlx::PgPool> {
    let server = tokio::task::spawn_blocking(recon_testkit::Postgres::shared).await.unwrap().unwrap();
    let url = server.database(None).unwrap();
    let pool = PgPoolOptions::new().max_connections(4).connect(&url).await.unwrap();
    sqlx::raw_sql(recon_session::postgres::MIGRATION).execute(&pool).await.unwrap();
    let backend = recon_session::postgres::PostgresSessions::new(pool.clone(), pool.clone());
    Store { sessions: Sessions::new(Arc::new(backend), Lifetimes::default()), kept: pool }
}

/// The same through a PgBouncer that has fewer connections than its clients.
pub(crate) async fn pgbouncer() -> Store<sqlx::PgPool> {
    static BOUNCER: OnceLock<recon_testkit::PgBouncer> = OnceLock::new();
    let database = || {
        let server = recon_testkit::Postgres::shared().unwrap();
        let bouncer = BOUNCER.get_or_init(|| recon_testkit::PgBouncer::start(server).unwrap());
        let direct = server.database(None).unwrap();
        (bouncer.url(&direct), direct)
    };
    let (url, direct) = tokio::task::spawn_blocking(database).await.unwrap();
    let pool = sqlx::PgPool::connect(&direct).await.unwrap();
    sqlx::raw_sql(recon_session::postgres::MIGRATION).execute(&pool).await.unwrap();
    let options: PgConnectOptions = url.parse().unwrap();
    let options = options.statement_cache_capacity(0).extra_float_digits(None);
    let through = PgPoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
    let backend = recon_session::postgres::PostgresSessions::pooled(through, "begin read write", LIMIT);
    Store { sessions: Sessions::new(Arc::new(backend), Lifetimes::default()), kept: pool }
}
