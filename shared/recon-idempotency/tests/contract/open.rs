//! Stores by their URLs.

#[cfg(not(feature = "aws"))]
use recon_idempotency::OpenError;
use recon_idempotency::{Completion, Error, open};

use crate::database::{Database, Dialect, empty_postgres};
use crate::sample::{LEASE, REQUEST, answer, running, unanswered};
use crate::world::PATIENCE;

/// Opens a store and has it keep an answer.
pub(crate) async fn works(url: &str) {
    let store = open(url).unwrap();
    let begun = std::time::Instant::now();
    // Where everything is slow, the first answers may come too late for what is usual.
    while let Err(failed) = store.look_up(&unanswered(&REQUEST)).await {
        assert!(begun.elapsed() < PATIENCE, "{url}: {failed:?}");
    }
    let claim = running(store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    assert!(matches!(store.complete(&claim, &answer("done")).await, Ok(Completion::Stored { .. })));
}

#[tokio::test]
async fn a_url_opens_the_store_of_its_scheme() {
    let Database::Sqlite(_pool, folder) = Database::open(Dialect::Sqlite).await else { panic!("SQLite") };
    works(&format!("sqlite://{}", folder.path().join("keys.db").display())).await;

    let url = empty_postgres();
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    sqlx::raw_sql(recon_idempotency::postgres::MIGRATION).execute(&pool).await.unwrap();
    sqlx::raw_sql(recon_idempotency::postgres::MIGRATION_CHECK).execute(&pool).await.unwrap();
    works(&url).await;

    // Servers of its own: the others' keys have a prefix, these have none.
    let server = recon_testkit::Redis::start(&[]).unwrap();
    works(&server.url()).await;
    let cluster = recon_testkit::RedisCluster::start().unwrap();
    let nodes: Vec<_> = cluster.urls().iter().map(|url| url.replace("redis://", "")).collect();
    works(&format!("redis-cluster://{}", nodes.join(","))).await;
}

#[tokio::test]
async fn nothing_is_connected_before_it_is_needed() {
    for url in [
        "sqlite:///no/such/folder/keys.db",
        "postgres://somebody:secret@127.0.0.1:1/keys",
        "redis://127.0.0.1:1",
        "rediss://:secret@127.0.0.1:1/2",
        "redis-cluster://somebody:secret@127.0.0.1:1,127.0.0.1:2",
        "rediss-cluster://127.0.0.1:1",
        #[cfg(feature = "aws")]
        "dynamodb://keys?region=eu-central-1&endpoint=http%3A%2F%2F127.0.0.1:1",
    ] {
        let store = open(url).unwrap();
        let failed = store.claim(&unanswered(&REQUEST), LEASE).await.unwrap_err();
        assert!(matches!(failed, Error::Unavailable { .. } | Error::Database(_)), "{url}: {failed:?}");
        assert!(!format!("{failed:?} {failed}").contains("secret"), "{failed:?}");
    }
}

#[track_caller]
fn check(url: &str, expected: &str) {
    let refused = open(url).map(|_| ()).unwrap_err();
    assert!(refused.to_string().starts_with(expected), "{url}: {refused}");
    assert!(!format!("{refused:?} {refused}").contains("secret"), "{refused:?}");
}

#[test]
fn a_url_that_names_no_store_is_refused_without_its_secrets() {
    let wanted = "the store's URL has no scheme: there are sqlite://, postgres://, postgresql://, redis://, ";
    for url in ["", "secret", "://secret", "redis:secret", "//secret"] {
        check(url, wanted);
    }
    for url in ["mysql://root:secret@h/keys", "secret-pass://h", "REDIS://h", "redis ://h"] {
        check(url, "no store has the scheme of this URL: there are sqlite://, ");
    }
    check("redis://:secret@", "the redis:// URL cannot be read: redis://USER:PASSWORD@HOST:PORT/NUMBER");
    check("rediss://:secret@h/secret", "the rediss:// URL cannot be read: ");
    check("redis-cluster://:secret@", "the redis-cluster:// URL cannot be read: ");
    check("redis-cluster://:secret@a,,b", "the redis-cluster:// URL cannot be read: ");
    check("postgres://somebody:secret@h:port/keys", "the postgres:// URL cannot be read: ");
    check("sqlite://keys.db?secret=1", "the sqlite:// URL cannot be read: sqlite://FILE");
}

#[cfg(feature = "aws")]
#[test]
fn dynamodb_url_has_a_table_and_at_most_a_region_and_an_endpoint() {
    for url in
        ["dynamodb://keys", "dynamodb://a.B-c_1?", "dynamodb://keys?endpoint=http://127.0.0.1:1&region=r"]
    {
        assert!(open(url).is_ok(), "{url}");
    }
    for rest in [
        "",
        "ab",
        "keys/x",
        "keys?secret=1",
        "keys?region=",
        "keys?endpoint=secret",
        "keys?endpoint=%zz",
        "ke ys",
    ] {
        check(&format!("dynamodb://{rest}"), "the dynamodb:// URL cannot be read: dynamodb://TABLE");
    }
}

#[cfg(not(feature = "aws"))]
#[test]
fn a_store_that_is_not_in_the_build_is_named_with_its_feature() {
    let refused = open("dynamodb://keys").map(|_| ()).unwrap_err();
    assert_eq!(refused, OpenError::NotBuilt { scheme: "dynamodb", feature: "aws" });
    let says = "dynamodb:// needs a build with the cargo feature `aws`, which this one is without";
    assert_eq!(refused.to_string(), says);
}
