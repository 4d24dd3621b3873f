//! PostgreSQL behind a pooler that gives a connection to another client after each transaction, and servers that take too long.

use std::sync::OnceLock;
use std::time::Duration;

use recon_idempotency::postgres::unnamed;
use recon_idempotency::{ClaimStore, Claimed, Error, Held, postgres};
use recon_testkit::{PgBouncer, Postgres};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};

use crate::database::{Database, Dialect};
use crate::sample::{LEASE, REQUEST, key, running, scope, unanswered, with_key};
use crate::world::PATIENCE;

/// The store of a database through a PgBouncer that has fewer connections than its clients.
pub(crate) async fn store(database: &Database) -> unnamed::Store {
    unnamed::Store::new(through(database, 8).await).response_within(PATIENCE)
}

async fn through(database: &Database, connections_max: u32) -> PgPool {
    static BOUNCER: OnceLock<PgBouncer> = OnceLock::new();
    let bouncer = BOUNCER.get_or_init(|| PgBouncer::start(Postgres::shared().unwrap()).unwrap());
    let direct = pool_of(database).connect_options().to_url_lossy();
    let options: PgConnectOptions = bouncer.url(direct.as_str()).parse().unwrap();
    // It knows no such parameter.
    let options = options.statement_cache_capacity(0).extra_float_digits(None);
    PgPoolOptions::new().max_connections(connections_max).connect_with(options).await.unwrap()
}

fn pool_of(database: &Database) -> &PgPool {
    let Database::Postgres(pool) = database else { panic!("another one") };
    pool
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verb_that_takes_too_long_is_given_up_and_keeps_no_connection() {
    const LIMIT: Duration = Duration::from_millis(500);
    let database = Database::open(Dialect::Postgres).await;
    let direct = pool_of(&database);
    let one = PgPoolOptions::new().max_connections(1);
    let one = one.connect_with(direct.connect_options().as_ref().clone()).await.unwrap();
    let pooled = through(&database, 1).await;
    let stores: [Box<dyn ClaimStore>; 2] = [
        Box::new(postgres::Store::new(one).response_within(LIMIT)),
        Box::new(unnamed::Store::new(pooled).response_within(LIMIT)),
    ];
    for store in &stores {
        let mut holder = direct.begin().await.unwrap();
        running(postgres::claim(&mut holder, &unanswered(&REQUEST), LEASE).await.unwrap());
        // Who waits goes away; what it asked for ends all the same.
        let asked = unanswered(&REQUEST);
        drop(tokio::time::timeout(LIMIT / 10, store.claim(&asked, LEASE)).await);
        let late =
            tokio::time::timeout(PATIENCE, store.claim(&asked, LEASE)).await.expect("waits without end");
        assert!(matches!(late, Err(Error::Unavailable { .. })), "{late:?}");
        assert_eq!(store.find(&scope(), &key()).await.unwrap(), None);
        let claim = running(store.claim(&with_key(b"another"), LEASE).await.unwrap());
        store.release(&claim).await.unwrap();
        holder.rollback().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_begins_as_it_was_told_to() {
    let database = Database::open(Dialect::Postgres).await;
    let mut holder = pool_of(&database).begin().await.unwrap();
    running(postgres::claim(&mut holder, &unanswered(&REQUEST), LEASE).await.unwrap());
    let store = store(&database).await.begin_with("begin; set local lock_timeout = '20ms'");
    let claimed = store.claim(&unanswered(&REQUEST), LEASE).await.unwrap();
    assert!(matches!(claimed, Claimed::Held(Held::InFlight { .. })), "{claimed:?}");
    holder.rollback().await.unwrap();
}
