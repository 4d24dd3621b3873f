//! A database with the keys and a table of effects.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use recon_idempotency::{
    Claim, ClaimOutcome, ClaimStore, Completion, Error, Guard, Held, StoredResponse, Unanswered, postgres,
    sqlite,
};
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
};

use crate::sample::Thing;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(SqlitePool, std::sync::Arc<tempfile::TempDir>),
    Postgres(PgPool),
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("refused")]
    Refused,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Key(#[from] Error),
}

/// A local effect.
#[derive(Debug, Clone)]
pub(crate) enum Effect {
    /// Inserts a row.
    Insert,
    /// Inserts a row, and is refused then.
    Refused,
    /// Runs another guarded effect in the same transaction, and inserts a row then.
    Around(Guard<Thing>),
}

/// What the two have in common, in their own types.
macro_rules! dialect {
    ($module:ident, $connection:ty, $insert:ident, $effect:ident) => {
        pub(crate) async fn $insert(conn: &mut $connection) -> Result<Thing, Failure> {
            let row = sqlx::query_scalar("insert into effects (what) values ('effect') returning row");
            Ok(Thing { row: row.fetch_one(conn).await? })
        }

        fn $effect<'a>(effect: Effect, conn: &'a mut $connection) -> BoxFuture<'a, Result<Thing, Failure>> {
            async move {
                match effect {
                    Effect::Insert => $insert(conn).await,
                    Effect::Refused => {
                        $insert(conn).await?;
                        Err(Failure::Refused)
                    }
                    Effect::Around(guard) => {
                        let inner = $module::guarded(conn, &guard, |conn| $insert(conn).boxed()).await?;
                        assert!(matches!(inner, ClaimOutcome::Fresh { .. }));
                        $insert(conn).await
                    }
                }
            }
            .boxed()
        }
    };
}
dialect!(sqlite, SqliteConnection, insert_sqlite, effect_sqlite);
dialect!(postgres, PgConnection, insert_postgres, effect_postgres);

/// The same expression for either pool.
macro_rules! either {
    ($database:expr, $pool:ident => $expression:expr) => {
        match $database {
            Database::Sqlite($pool, _) => $expression,
            Database::Postgres($pool) => $expression,
        }
    };
}

impl Database {
    pub(crate) async fn open(dialect: Dialect) -> Self {
        let database = match dialect {
            Dialect::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let options = SqliteConnectOptions::new()
                    .filename(folder.path().join("keys.db"))
                    .create_if_missing(true)
                    .journal_mode(SqliteJournalMode::Wal)
                    .busy_timeout(Duration::from_secs(10));
                let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
                sqlx::raw_sql(sqlite::MIGRATION).execute(&pool).await.unwrap();
                Self::Sqlite(pool, folder.into())
            }
            Dialect::Postgres => {
                let pool = PgPoolOptions::new().max_connections(8).connect(&empty_postgres()).await.unwrap();
                sqlx::raw_sql(postgres::MIGRATION).execute(&pool).await.unwrap();
                sqlx::raw_sql(postgres::MIGRATION_CHECK).execute(&pool).await.unwrap();
                Self::Postgres(pool)
            }
        };
        let row = match dialect {
            Dialect::Sqlite => "integer primary key",
            Dialect::Postgres => "bigint generated always as identity primary key",
        };
        database.change(&format!("create table effects (row {row}, what text not null)")).await;
        database
    }

    /// The stores' verbs, each a transaction of its own.
    pub(crate) fn store(&self) -> std::sync::Arc<dyn ClaimStore> {
        match self {
            Self::Sqlite(pool, _) => std::sync::Arc::new(sqlite::Store::new(pool.clone())),
            Self::Postgres(pool) => std::sync::Arc::new(postgres::Store::new(pool.clone())),
        }
    }

    /// A guarded insert of one effect, in a transaction of its own.
    pub(crate) async fn run(&self, guard: &Guard<Thing>) -> Result<ClaimOutcome<Thing>, Failure> {
        self.run_effect(guard, Effect::Insert).await
    }

    /// A guarded effect, in a transaction of its own.
    pub(crate) async fn run_effect(
        &self,
        guard: &Guard<Thing>,
        effect: Effect,
    ) -> Result<ClaimOutcome<Thing>, Failure> {
        match self {
            Self::Sqlite(pool, _) => {
                let mut tx = pool.begin_with("begin immediate").await?;
                let outcome = sqlite::guarded(&mut tx, guard, |conn| effect_sqlite(effect, conn)).await?;
                tx.commit().await?;
                Ok(outcome)
            }
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                let outcome = postgres::guarded(&mut tx, guard, |conn| effect_postgres(effect, conn)).await?;
                tx.commit().await?;
                Ok(outcome)
            }
        }
    }

    /// A refused effect whose caller wrongly commits.
    pub(crate) async fn refuse_and_commit(&self, guard: &Guard<Thing>) {
        let failed = match self {
            Self::Sqlite(pool, _) => {
                let mut tx = pool.begin_with("begin immediate").await.unwrap();
                let failed =
                    sqlite::guarded(&mut tx, guard, |_| std::future::ready(Err(Failure::Refused)).boxed())
                        .await;
                tx.commit().await.unwrap();
                failed
            }
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await.unwrap();
                let failed =
                    postgres::guarded(&mut tx, guard, |_| std::future::ready(Err(Failure::Refused)).boxed())
                        .await;
                tx.commit().await.unwrap();
                failed
            }
        };
        assert!(matches!(failed, Err(Failure::Refused)));
    }

    /// An effect that nothing guards.
    pub(crate) async fn insert(&self) {
        self.change("insert into effects (what) values ('effect')").await;
    }

    /// The effect of a claim and its end in one transaction, which a lost claim rolls back.
    pub(crate) async fn insert_and_complete(&self, claim: &Claim, response: &StoredResponse) -> Completion {
        macro_rules! complete {
            ($module:ident, $insert:ident, $tx:expr) => {{
                let mut tx = $tx.await.unwrap();
                $insert(&mut tx).await.unwrap();
                let completion = $module::complete(&mut tx, claim, response).await.unwrap();
                match completion {
                    Completion::Stored { .. } => tx.commit().await.unwrap(),
                    Completion::Lost(_) => tx.rollback().await.unwrap(),
                }
                completion
            }};
        }
        match self {
            Self::Sqlite(pool, _) => complete!(sqlite, insert_sqlite, pool.begin_with("begin immediate")),
            Self::Postgres(pool) => complete!(postgres, insert_postgres, pool.begin()),
        }
    }

    /// What a key holds, told while another transaction writes.
    pub(crate) async fn look_up_beside_a_writer(&self, request: &Unanswered) -> Option<Held> {
        match self {
            Self::Sqlite(pool, _) => {
                // Holds the only lock for writing to the end.
                let _writing = pool.begin_with("begin immediate").await.unwrap();
                sqlite::look_up(&mut pool.acquire().await.unwrap(), request).await.unwrap()
            }
            Self::Postgres(pool) => {
                let mut writing = pool.begin().await.unwrap();
                let lock = sqlx::query("select from idempotency_keys for update");
                lock.execute(&mut *writing).await.unwrap();
                postgres::look_up(&mut pool.acquire().await.unwrap(), request).await.unwrap()
            }
        }
    }

    /// Lets time pass: all that is kept is this much older now.
    pub(crate) async fn age(&self, duration: Duration) {
        let micros = duration.as_micros();
        self.change(&format!(
            "update idempotency_keys set lease_until = lease_until - {micros}, expires_at = expires_at - {micros}"
        ))
        .await;
    }

    /// Runs a statement of the test.
    pub(crate) async fn change(&self, sql: &str) {
        self.try_change(sql).await.unwrap();
    }

    pub(crate) async fn try_change(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        either!(self, pool => sqlx::raw_sql(sql).execute(pool).await.map(|_| ()))
    }

    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(sql.to_owned());
        either!(self, pool => sqlx::query_scalar(sql).fetch_one(pool).await.unwrap())
    }

    pub(crate) async fn effects(&self) -> i64 {
        self.number("select count(*) from effects").await
    }

    pub(crate) async fn keys(&self) -> i64 {
        self.number("select count(*) from idempotency_keys").await
    }
}

/// The URL of an empty database of the one PostgreSQL of these tests.
pub(crate) fn empty_postgres() -> String {
    recon_testkit::Postgres::shared().unwrap().database(None).unwrap()
}
