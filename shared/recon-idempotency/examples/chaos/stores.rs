//! The stores that outlive a process. A further one is a [`Kind`] with a place in [`Services`].

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use recon_idempotency::{ClaimStore, postgres, sqlite};
use recon_testkit::{Postgres, Redis, RedisCluster};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};

#[cfg(feature = "aws")]
use crate::dynamodb::Tables;
use crate::plan::Form;

/// What effects are: rows that say for which key they were made.
const THINGS: &str = "create table if not exists things (id text primary key, key text not null)";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Redis,
    RedisCluster,
    #[cfg(feature = "aws")]
    DynamoDb,
}

impl Kind {
    pub(crate) const ALL: &[Self] = &[
        Self::Sqlite,
        Self::Postgres,
        Self::Redis,
        Self::RedisCluster,
        #[cfg(feature = "aws")]
        Self::DynamoDb,
    ];

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::RedisCluster => "redis-cluster",
            #[cfg(feature = "aws")]
            Self::DynamoDb => "dynamodb",
        }
    }

    /// The forms of an effect that it has.
    pub(crate) const fn forms(self) -> &'static [Form] {
        match self {
            Self::Sqlite => &[Form::Local, Form::Remote],
            Self::Postgres => &[Form::Local, Form::OneStatement, Form::Remote],
            Self::Redis | Self::RedisCluster => &[Form::Remote],
            #[cfg(feature = "aws")]
            Self::DynamoDb => &[Form::Local, Form::Remote],
        }
    }

    /// Whether a local effect has its steps inside the store's transaction, and is not sent as one request.
    pub(crate) const fn has_steps(self) -> bool {
        match self {
            Self::Sqlite | Self::Postgres | Self::Redis | Self::RedisCluster => true,
            #[cfg(feature = "aws")]
            Self::DynamoDb => false,
        }
    }
}

/// The servers that all tries share.
pub(crate) struct Services {
    postgres: String,
    redis: String,
    redis_cluster: String,
    #[cfg(feature = "aws")]
    dynamodb: String,
}

impl Services {
    pub(crate) async fn start() -> Result<Self> {
        let postgres = Postgres::shared()?.database(None)?;
        let pool = postgres_pool(&postgres).await?;
        sqlx::raw_sql(postgres::MIGRATION).execute(&pool).await?;
        sqlx::raw_sql(postgres::MIGRATION_CHECK).execute(&pool).await?;
        sqlx::raw_sql(THINGS).execute(&pool).await?;
        pool.close().await;
        Ok(Self {
            postgres,
            redis: Redis::shared()?.url(),
            redis_cluster: RedisCluster::shared()?.urls().join(",").replace("redis://", ""),
            #[cfg(feature = "aws")]
            dynamodb: crate::dynamodb::keys().await?,
        })
    }

    /// The URL of the store of a try whose own folder this is.
    pub(crate) async fn keys(&self, kind: Kind, folder: &Path) -> Result<String> {
        Ok(match kind {
            Kind::Sqlite => {
                let file = folder.join("keys.db");
                let pool = sqlite_pool(&file).await?;
                sqlx::raw_sql(sqlite::MIGRATION).execute(&pool).await?;
                sqlx::raw_sql(THINGS).execute(&pool).await?;
                pool.close().await;
                format!("sqlite://{}", file.display())
            }
            Kind::Postgres => self.postgres.clone(),
            Kind::Redis => self.redis.clone(),
            Kind::RedisCluster => format!("redis-cluster://{}", self.redis_cluster),
            #[cfg(feature = "aws")]
            Kind::DynamoDb => self.dynamodb.clone(),
        })
    }
}

/// The store of keys, as a server opens it.
#[derive(Clone)]
pub(crate) enum Keys {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    #[cfg(feature = "aws")]
    DynamoDb(Tables),
    /// One in which there are no local effects.
    Claims(Arc<dyn ClaimStore>),
}

impl Keys {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        match url.split_once("://") {
            Some(("sqlite", file)) => Ok(Self::Sqlite(sqlite_pool(Path::new(file)).await?)),
            Some(("postgres", _)) => Ok(Self::Postgres(postgres_pool(url).await?)),
            #[cfg(feature = "aws")]
            Some(("dynamodb", _)) => Ok(Self::DynamoDb(Tables::open(url)?)),
            _ => Ok(Self::Claims(recon_idempotency::open(url)?)),
        }
    }

    pub(crate) fn claims(&self) -> Arc<dyn ClaimStore> {
        match self {
            Self::Sqlite(pool) => Arc::new(sqlite::Store::new(pool.clone())),
            Self::Postgres(pool) => Arc::new(postgres::Store::new(pool.clone())),
            #[cfg(feature = "aws")]
            Self::DynamoDb(tables) => tables.claims.clone(),
            Self::Claims(store) => store.clone(),
        }
    }

    /// How many effects there were for a key, where they are beside the keys.
    pub(crate) async fn effects(&self, key: &str) -> Result<i64> {
        const COUNT: &str = "select count(*) from things where key = $1";
        Ok(match self {
            Self::Sqlite(pool) => sqlx::query_scalar(COUNT).bind(key).fetch_one(pool).await?,
            Self::Postgres(pool) => sqlx::query_scalar(COUNT).bind(key).fetch_one(pool).await?,
            #[cfg(feature = "aws")]
            Self::DynamoDb(tables) => tables.effects(key).await?,
            Self::Claims(_) => bail!("there are no effects beside these keys"),
        })
    }
}

/// Another database than that of the keys, in which remote effects are.
pub(crate) async fn elsewhere(file: &Path) -> Result<SqlitePool> {
    let pool = sqlite_pool(file).await?;
    sqlx::raw_sql(THINGS).execute(&pool).await?;
    Ok(pool)
}

async fn sqlite_pool(file: &Path) -> Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(10));
    SqlitePoolOptions::new().max_connections(2).connect_with(options).await.context("open the file")
}

async fn postgres_pool(url: &str) -> Result<PgPool> {
    PgPoolOptions::new().max_connections(2).connect(url).await.context("connect to PostgreSQL")
}
