//! Sessions in PostgreSQL, on its primary.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::postgres::{PgArguments, PgConnection, PgRow as DatabaseRow};
use sqlx::query::Query;
use sqlx::{Connection as _, PgPool, Postgres};

#[cfg_attr(
    all(feature = "embedded", feature = "cluster"),
    expect(
        clippy::duplicate_mod,
        reason = "one text for two drivers, whose types have no trait in common that counts rows"
    )
)]
#[path = "verbs.rs"]
mod verbs;

pub use verbs::SqlSessions as PostgresSessions;

/// The tables, for the migration sequence of the database that holds them.
pub const MIGRATION: &str = include_str!("postgres/sessions.sql");

/// A revocation of all that comes at the same time goes before the session or after it, never through it.
macro_rules! lock_generation {
    () => {
        " for share"
    };
}
use lock_generation;

type Statement = Query<'static, Postgres, PgArguments>;

/// Connections, and how a statement runs for which a pooler may give another one each time.
#[derive(Debug, Clone)]
struct Pool {
    pool: PgPool,
    pooled: Option<Pooled>,
}

/// How the transaction of a statement begins, and how long it may take.
#[derive(Debug, Clone, Copy)]
struct Pooled {
    begin: &'static str,
    limit: Duration,
}

impl PostgresSessions {
    /// Sessions over the caller's pools.
    #[must_use]
    pub const fn new(read: PgPool, write: PgPool) -> Self {
        Self::over(Pool { pool: read, pooled: None }, Pool { pool: write, pooled: None })
    }

    /// Sessions over a pool whose connections lead to a pooler that gives each transaction another one, and carries no prepared
    /// statements over: each statement runs in a transaction that begins so, without a name, on a task of its own. Such as
    /// `begin read write; set local statement_timeout = '10s'`. A transaction that takes longer than the limit is given up, and
    /// its connection closed.
    #[must_use]
    pub fn pooled(pool: PgPool, begin: &'static str, limit: Duration) -> Self {
        let pool = Pool { pool, pooled: Some(Pooled { begin, limit }) };
        Self::over(pool.clone(), pool)
    }
}

async fn execute(pool: &Pool, statement: Statement) -> sqlx::Result<u64> {
    let done = match pool.pooled {
        None => statement.execute(&pool.pool).await?,
        Some(pooled) => alone(pool, pooled, statement, |statement, tx| statement.execute(tx).boxed()).await?,
    };
    Ok(done.rows_affected())
}

async fn fetch_optional(pool: &Pool, statement: Statement) -> sqlx::Result<Option<DatabaseRow>> {
    match pool.pooled {
        None => statement.fetch_optional(&pool.pool).await,
        Some(pooled) => {
            alone(pool, pooled, statement, |statement, tx| statement.fetch_optional(tx).boxed()).await
        }
    }
}

async fn fetch_all(pool: &Pool, statement: Statement) -> sqlx::Result<Vec<DatabaseRow>> {
    match pool.pooled {
        None => statement.fetch_all(&pool.pool).await,
        Some(pooled) => alone(pool, pooled, statement, |statement, tx| statement.fetch_all(tx).boxed()).await,
    }
}

/// Runs a statement in a transaction of its own, which no caller that goes away leaves open, and no server that does not
/// answer keeps.
async fn alone<T, F>(pool: &Pool, pooled: Pooled, statement: Statement, run: F) -> sqlx::Result<T>
where
    T: Send + 'static,
    F: for<'c> FnOnce(Statement, &'c mut PgConnection) -> BoxFuture<'c, sqlx::Result<T>> + Send + 'static,
{
    let pool = pool.pool.clone();
    let detached = tokio::spawn(async move {
        let mut connection = pool.acquire().await?;
        let transaction = async {
            let mut tx = connection.begin_with(pooled.begin).await?;
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
        match tokio::time::timeout(pooled.limit, transaction).await {
            Ok(outcome) => outcome,
            Err(elapsed) => {
                // Nobody knows what is open on it.
                connection.close_on_drop();
                Err(sqlx::Error::Io(elapsed.into()))
            }
        }
    });
    detached.await.map_err(|cut| sqlx::Error::Io(std::io::Error::other(cut)))?
}
