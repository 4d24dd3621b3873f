//! What only a pooler of transactions can show: connections that are another client's after each transaction.

use std::collections::HashSet;

use futures_util::future::join_all;
use recon_store::{Error, Schema, Store};
use sqlx::{Connection, PgConnection};

use crate::bench::{at, dataset_guard, direct, fresh, new_database, pgbouncer, pooled, replayed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_pools_share_few_connections_and_lose_nothing() {
    let bench = pgbouncer().await;
    let stores: Vec<Store> = (0..4).map(|_| Store::open(&bench.config)).collect();
    let creates = (0..80).map(|number| {
        let datasets = stores[number % stores.len()].datasets();
        let (workspace, new) = (bench.workspace, bench.new_dataset("bank"));
        let guard = dataset_guard(workspace, &format!("key-{number}"), "/v1/datasets");
        tokio::spawn(async move { fresh(datasets.create(workspace, guard, new).await.unwrap()).id })
    });
    let ids: HashSet<_> = join_all(creates).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.len(), 80);
    for id in &ids {
        bench.find_dataset(*id).await;
    }
    // Another pool replays what this one answered.
    let guard = dataset_guard(bench.workspace, "key-0", "/v1/datasets");
    replayed(stores[1].datasets().create(bench.workspace, guard, bench.new_dataset("bank")).await.unwrap());
    let mut connection = PgConnection::connect(&direct(&bench.config.database)).await.unwrap();
    let others = "select count(*), count(*) filter (where state like 'idle in transaction%')
        from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    let (connections, left): (i64, i64) = sqlx::query_as(others).fetch_one(&mut connection).await.unwrap();
    assert!((1..=3).contains(&connections), "{connections}");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn migrating_through_it_leaves_nothing_to_those_who_come_next() {
    let folder = tempfile::tempdir().unwrap();
    let config = at(&pooled(&new_database(None).await).await, folder.path());
    let store = Store::open(&config);
    assert!(matches!(store.check().await.unwrap(), Schema::Older { found: 0, .. }));
    // One connection of the server after the other: a name or a setting that stayed would be in the next one's way.
    for _ in 0..4 {
        store.migrate().await.unwrap();
    }
    assert!(matches!(store.check().await.unwrap(), Schema::Compatible { .. }));
    let through = config.database.to_string();
    let mut connection = PgConnection::connect_with(
        &through.parse::<sqlx::postgres::PgConnectOptions>().unwrap().extra_float_digits(None),
    )
    .await
    .unwrap();
    let left = "select current_setting('client_min_messages') || current_setting('statement_timeout')
        || (select count(*) from pg_prepared_statements)";
    let left = sqlx::raw_sql(left).fetch_one(&mut connection).await.unwrap();
    assert_eq!(sqlx::Row::get::<String, _>(&left, 0), "notice00");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_behind_it_is_not_taken_for_its_primary() {
    let start = || {
        let primary = recon_testkit::Postgres::start(&["fsync=off"]).unwrap();
        let url = primary.database(None).unwrap();
        (primary, url)
    };
    let (primary, url) = tokio::task::spawn_blocking(start).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    Store::open(&at(&url, folder.path())).migrate().await.unwrap();
    let stand_by = move || {
        let replica = primary.standby().unwrap();
        let bouncer = recon_testkit::PgBouncer::start(&replica).unwrap();
        (bouncer, replica, primary)
    };
    let (bouncer, replica, primary) = tokio::task::spawn_blocking(stand_by).await.unwrap();
    let there = url.replace(&format!(":{}/", primary.port()), &format!(":{}/", replica.port()));
    let there = format!("{}?statement-cache-capacity=0", bouncer.url(&there));
    let refused = Store::open(&at(&there, folder.path())).check().await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
}
