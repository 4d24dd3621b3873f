//! PostgreSQL behind a pooler that gives a connection to another client after each transaction, as PgBouncer does.
//!
//! Nothing outlives a transaction there: settings are the transaction's own, no statement has a name, and each statement runs in
//! a transaction, on a task of its own, so that a caller that goes away leaves none open. Each is one that may write, also
//! those that do not: a server that became a replica refuses them, whose connections the pooler kept.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::Postgres;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;

use super::{SILENT, Server};

/// What a connection of one's own begins with, for the transaction alone.
macro_rules! limits {
    () => {
        "; set local statement_timeout = '10s'; set local lock_timeout = '3s';
    set local idle_in_transaction_session_timeout = '60s'"
    };
}

/// How a single statement begins.
pub(crate) const BEGIN: &str = concat!("begin isolation level read committed read write", limits!());
/// How a transaction that writes begins.
pub(super) const WRITE: &str = concat!("begin isolation level serializable read write", limits!());
/// How a transaction begins whose statements all see one world.
pub(super) const SNAPSHOT: &str = concat!("begin isolation level repeatable read read write", limits!());

/// A statement with its values.
type Statement = Query<'static, Postgres, PgArguments>;

impl Server {
    /// Runs a statement and says how many rows it changed.
    pub(crate) async fn execute(&self, statement: Statement) -> sqlx::Result<u64> {
        let done = match self.is_pooled() {
            false => statement.execute(self.pool()).await?,
            true => self.alone(statement, |statement, tx| statement.execute(tx).boxed()).await?,
        };
        Ok(done.rows_affected())
    }

    /// Runs a statement and gives its rows.
    pub(crate) async fn fetch_all(&self, statement: Statement) -> sqlx::Result<Vec<PgRow>> {
        match self.is_pooled() {
            false => statement.fetch_all(self.pool()).await,
            true => self.alone(statement, |statement, tx| statement.fetch_all(tx).boxed()).await,
        }
    }

    /// Runs a statement and gives its one row.
    pub(crate) async fn fetch_one(&self, statement: Statement) -> sqlx::Result<PgRow> {
        match self.is_pooled() {
            false => statement.fetch_one(self.pool()).await,
            true => self.alone(statement, |statement, tx| statement.fetch_one(tx).boxed()).await,
        }
    }

    async fn alone<T, F>(&self, statement: Statement, run: F) -> sqlx::Result<T>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(Statement, &'c mut PgConnection) -> BoxFuture<'c, sqlx::Result<T>> + Send + 'static,
    {
        let (pool, silence, limit) = (self.pool().clone(), self.silence.clone(), self.answer_max);
        let transaction = async move {
            let mut tx = pool.begin_with(BEGIN).await?;
            match run(statement.persistent(false), &mut tx).await {
                Ok(value) => {
                    tx.commit().await?;
                    Ok(value)
                }
                Err(error) => {
                    // A failed rollback changes nothing: the connection rolls back when it is next used, or closed.
                    _ = tx.rollback().await;
                    Err(error)
                }
            }
        };
        // The limit is the task's: nobody else ends it.
        let detached = tokio::spawn(async move { silence.within(limit, transaction).await });
        let ended = detached.await.map_err(|cut| sqlx::Error::Io(std::io::Error::other(cut)))?;
        ended.ok_or_else(|| sqlx::Error::Io(std::io::Error::other(SILENT)))?
    }
}
