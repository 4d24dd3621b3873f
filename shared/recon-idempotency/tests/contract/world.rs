//! A store of claims, whose time can be let pass.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use recon_idempotency::{
    Claim, ClaimStore, Claimed, Completion, Entry, Extension, Held, Release, Request, StoreTime,
    StoredResponse, memory, redis,
};

use crate::database::{Database, Dialect};
use crate::sample::{LEASE, key, scope, unanswered};

/// Longer than any stall of a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    PgBouncer,
    Memory,
    Redis,
    RedisCluster,
    #[cfg(feature = "aws")]
    Dynamodb,
}

/// A store of its own for one test.
pub(crate) struct World {
    pub(crate) store: Arc<dyn ClaimStore>,
    pub(crate) backend: Backend,
}

/// What the store keeps its records in.
#[derive(Clone)]
pub(crate) enum Backend {
    Database(Database),
    /// How far its clock is.
    Memory(Arc<AtomicI64>),
    /// The servers' keys begin with this.
    Redis(Vec<::redis::Client>, String),
    #[cfg(feature = "aws")]
    Dynamodb(crate::dynamodb::Keys),
}

impl World {
    pub(crate) async fn open(kind: Kind) -> Self {
        match kind {
            Kind::Sqlite => Self::over(Database::open(Dialect::Sqlite).await),
            Kind::Postgres => Self::over(Database::open(Dialect::Postgres).await),
            Kind::PgBouncer => {
                let database = Database::open(Dialect::Postgres).await;
                let store = crate::pgbouncer::store(&database).await;
                Self { store: Arc::new(store), backend: Backend::Database(database) }
            }
            Kind::Memory => {
                let clock = Arc::new(AtomicI64::new(1_790_000_000_000_000));
                let read = Arc::clone(&clock);
                let store = memory::Store::new(move || StoreTime::from_micros(read.load(Ordering::SeqCst)));
                Self { store: Arc::new(store), backend: Backend::Memory(clock) }
            }
            Kind::Redis => {
                let client = ::redis::Client::open(recon_testkit::Redis::shared().unwrap().url()).unwrap();
                let prefix = prefix();
                let store = redis::Store::new(client.clone(), prefix.clone()).response_within(PATIENCE);
                Self { store: Arc::new(store), backend: Backend::Redis(vec![client], prefix) }
            }
            Kind::RedisCluster => {
                let urls = recon_testkit::RedisCluster::shared().unwrap().urls();
                let prefix = prefix();
                let cluster = ::redis::cluster::ClusterClient::new(urls.clone()).unwrap();
                let store = redis::Store::cluster(cluster, prefix.clone()).response_within(PATIENCE);
                let servers = urls.into_iter().map(|url| ::redis::Client::open(url).unwrap()).collect();
                Self { store: Arc::new(store), backend: Backend::Redis(servers, prefix) }
            }
            #[cfg(feature = "aws")]
            Kind::Dynamodb => {
                let keys = crate::dynamodb::Keys::open().await;
                Self { store: Arc::new(keys.store()), backend: Backend::Dynamodb(keys) }
            }
        }
    }

    pub(crate) fn over(database: Database) -> Self {
        Self { store: database.store(), backend: Backend::Database(database) }
    }

    pub(crate) async fn claim(&self, request: &Request<'_>) -> Claimed {
        self.claim_for(request, LEASE).await
    }

    pub(crate) async fn claim_for(&self, request: &Request<'_>, lease: Duration) -> Claimed {
        self.store.claim(&unanswered(request), lease).await.unwrap()
    }

    pub(crate) async fn complete(&self, claim: &Claim, response: &StoredResponse) -> Completion {
        self.store.complete(claim, response).await.unwrap()
    }

    pub(crate) async fn release(&self, claim: &Claim) -> Release {
        self.store.release(claim).await.unwrap()
    }

    pub(crate) async fn extend(&self, claim: &Claim, lease: Duration) -> Extension {
        self.store.extend(claim, lease).await.unwrap()
    }

    pub(crate) async fn look_up(&self, request: &Request<'_>) -> Option<Held> {
        self.store.look_up(&unanswered(request)).await.unwrap()
    }

    pub(crate) async fn find(&self) -> Option<Entry> {
        self.store.find(&scope(), &key()).await.unwrap()
    }

    /// Lets time pass: all that is kept is this much older now.
    pub(crate) async fn age(&self, duration: Duration) {
        match &self.backend {
            Backend::Database(database) => database.age(duration).await,
            Backend::Memory(clock) => {
                clock.fetch_add(i64::try_from(duration.as_micros()).unwrap(), Ordering::SeqCst);
            }
            Backend::Redis(servers, prefix) => {
                for server in servers {
                    age_redis(server, prefix, duration).await;
                }
            }
            #[cfg(feature = "aws")]
            Backend::Dynamodb(keys) => keys.clock.age(duration),
        }
    }
}

/// What the keys of one test begin with.
fn prefix() -> String {
    static TESTS: AtomicU64 = AtomicU64::new(0);
    format!("test-{}:", TESTS.fetch_add(1, Ordering::SeqCst))
}

async fn age_redis(client: &::redis::Client, prefix: &str, duration: Duration) {
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let age = ::redis::Script::new(
        "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
            for _, field in ipairs({ 'lease_until', 'expires_at' }) do
                if redis.call('HEXISTS', key, field) == 1 then redis.call('HINCRBY', key, field, -ARGV[2]) end
            end
        end",
    );
    let micros = i64::try_from(duration.as_micros()).unwrap();
    let () = age.arg(format!("{prefix}*")).arg(micros).invoke_async(&mut connection).await.unwrap();
}
