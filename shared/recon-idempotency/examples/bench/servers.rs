//! The databases, the server of the handlers, and what the bench reads from them.

use anyhow::{Context as _, Result, ensure};
use axum::Router;
use axum::middleware::from_fn;
use recon_testkit::{Postgres, Redis};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::time::Duration;

use crate::{CLIENTS, cpu, distance, handlers, redis};

/// Where the effects of a shape are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effects {
    Postgres,
    Redis,
}

pub(crate) struct Servers {
    /// The port of the handlers whose databases are on loopback.
    pub(crate) port: u16,
    /// The port of the same handlers, with PostgreSQL some way off.
    pub(crate) far_port: u16,
    pool: PgPool,
    client: ::redis::Client,
    backends: Vec<String>,
    redis_pid: String,
    _postgres: Postgres,
    _redis: Redis,
}

impl Servers {
    pub(crate) async fn start(round_trip: Duration) -> Result<Self> {
        let postgres = Postgres::start(&["synchronous_commit=on"]).context("start PostgreSQL")?;
        let settings =
            ["--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction"];
        let redis = Redis::start(&settings).context("start Redis")?;
        let near = postgres.database(None)?;
        let pool = pool(&near).await?;
        sqlx::raw_sql(recon_idempotency::postgres::MIGRATION).execute(&pool).await?;
        sqlx::raw_sql(recon_idempotency::postgres::MIGRATION_CHECK).execute(&pool).await?;
        sqlx::raw_sql(handlers::TABLES).execute(&pool).await?;
        let client = ::redis::Client::open(redis.url())?;
        let port = serve(handlers::router(pool.clone()).merge(redis::router(client.clone()).await?)).await?;
        let backends = backends(&pool).await?;
        let relay = distance::relay(postgres.port(), round_trip)?;
        let far = near.replace(&format!(":{}/", postgres.port()), &format!(":{relay}/"));
        ensure!(far != near, "the database's URL does not name its port");
        let far_port = serve(handlers::router(self::pool(&far).await?)).await?;
        let redis_pid = redis_pid(&client).await?;
        Ok(Self { port, far_port, pool, client, backends, redis_pid, _postgres: postgres, _redis: redis })
    }

    /// How many effects there are.
    pub(crate) async fn effects(&self, server: Effects) -> Result<u64> {
        match server {
            Effects::Postgres => {
                let count: i64 = sqlx::query_scalar(
                    "select (select count(*) from things) + (select count(*) from guide_things)",
                )
                .fetch_one(&self.pool)
                .await?;
                Ok(u64::try_from(count)?)
            }
            Effects::Redis => {
                let mut connection = self.client.get_multiplexed_async_connection().await?;
                let (mut place, mut count) = (0_u64, 0);
                loop {
                    let mut scan = ::redis::cmd("SCAN");
                    scan.arg(place).arg("MATCH").arg("thing:*").arg("COUNT").arg(10_000);
                    let (next, keys): (u64, Vec<String>) = scan.query_async(&mut connection).await?;
                    count += u64::try_from(keys.len())?;
                    place = next;
                    if place == 0 {
                        return Ok(count);
                    }
                }
            }
        }
    }

    /// How long the handlers and the database were on a processor so far.
    pub(crate) fn cpu(&self, server: Effects) -> [Duration; 2] {
        let database = match server {
            Effects::Postgres => self.backends.iter().map(|pid| cpu::of_process(pid)).sum(),
            Effects::Redis => cpu::of_process(&self.redis_pid),
        };
        [cpu::of_process("self"), database]
    }
}

async fn serve(router: Router) -> Result<u16> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let router = router.layer(from_fn(handlers::authenticate));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(port)
}

async fn pool(url: &str) -> Result<PgPool> {
    let connections = u32::try_from(CLIENTS)?;
    PgPoolOptions::new()
        .min_connections(connections)
        .max_connections(connections)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect(url)
        .await
        .context("connect")
}

/// The server's processes for the pool's connections, once all of them are there.
async fn backends(pool: &PgPool) -> Result<Vec<String>> {
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        connections.push(pool.acquire().await?);
    }
    let ask = "select pid::text from pg_stat_activity where datname = current_database()";
    Ok(sqlx::query_scalar(ask).fetch_all(&mut *connections[0]).await?)
}

async fn redis_pid(client: &::redis::Client) -> Result<String> {
    let mut connection = client.get_multiplexed_async_connection().await?;
    let about: String = ::redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
    let pid = about.lines().find_map(|line| line.strip_prefix("process_id:"));
    Ok(pid.context("Redis does not tell its process")?.trim().to_owned())
}
