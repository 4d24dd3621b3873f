//! What only a PostgreSQL server can show: its schema, and connections that die.

use std::time::Duration;

use recon_store::{
    Clock, Error, Failure, IngestResult, JobKind, Migrated, Pool, Schema, Store, StoreConfig, Upload,
};
use sqlx::{Connection, PgConnection};

use crate::bench::{at, new_database, postgres};

/// A store on an empty database.
async fn empty() -> (Store, StoreConfig, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let config = at(&new_database(None).await, folder.path());
    (Store::open(&config), config, folder)
}

async fn execute(config: &StoreConfig, sql: &'static str) {
    let mut connection = PgConnection::connect(&config.database.to_string()).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn an_empty_database_has_no_schema_and_migrating_twice_changes_nothing_the_second_time() {
    let (store, ..) = empty().await;
    assert!(matches!(store.check().await.unwrap(), Schema::Older { found: 0, .. }));
    let first = store.migrate().await.unwrap();
    assert_eq!((first.from, first.backup), (0, None));
    assert_eq!(store.migrate().await.unwrap(), Migrated { from: first.to, to: first.to, backup: None });
    assert_eq!(store.check().await.unwrap(), Schema::Compatible { version: first.to });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_migrate_at_once_agree() {
    let (store, config, _folder) = empty().await;
    let migrating = (0..4).map(|_| {
        let store = Store::open(&config);
        tokio::spawn(async move { store.migrate().await })
    });
    for migrated in migrating.collect::<Vec<_>>() {
        migrated.await.unwrap().unwrap();
    }
    assert!(matches!(store.check().await.unwrap(), Schema::Compatible { .. }));
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_database_as_it_was() {
    let (store, config, _folder) = empty().await;
    execute(&config, "create table idempotency_keys (in_the_way bigint)").await;
    assert!(matches!(store.migrate().await, Err(Error::Migration(_))));
    assert!(matches!(store.check().await.unwrap(), Schema::Older { found: 0, .. }));
    // The steps before it were taken back.
    execute(&config, "create table datasets (free bigint)").await;
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let (store, config, _folder) = empty().await;
    let known = store.migrate().await.unwrap().to;
    execute(&config, "update schema_version set version = 1000, min_compatible = 1").await;
    assert_eq!(store.check().await.unwrap(), Schema::Compatible { version: 1000 });
    execute(&config, "update schema_version set version = 1001, min_compatible = 1000").await;
    let newer = Schema::Newer { found: 1001, min_compatible: 1000, known };
    assert_eq!(store.check().await.unwrap(), newer);
    assert!(matches!(store.migrate().await, Err(Error::SchemaNewer { found: 1001, .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_died_while_they_rested_are_replaced() {
    let bench = postgres().await;
    let id = bench.dataset(bench.workspace).await;
    let reads = (0..4).map(|_| bench.find_dataset(id));
    futures_util::future::join_all(reads).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    // As when a server is started anew.
    execute(
        &bench.config,
        "select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()",
    )
    .await;
    let upload = Upload::hashed("o".to_owned(), "aa".to_owned(), 3);
    bench.store.datasets().attach_upload(bench.workspace, id, upload.clone()).await.unwrap().unwrap();
    assert_eq!(bench.find_dataset(id).await.upload, Some(upload));
}

/// Shifts the server's clock against this host's, for connections that are made from now on.
async fn shift_clock(config: &StoreConfig, by: &str) {
    let shift = format!(
        "create schema shifted;
        create function shifted.clock_timestamp() returns timestamptz language sql
            as $$ select pg_catalog.clock_timestamp() + {by} $$;
        do $$ begin
            execute format('alter database %I set search_path = shifted, pg_catalog, public', current_database());
        end $$"
    );
    let mut connection = PgConnection::connect(&config.database.to_string()).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(shift)).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_a_host_that_is_ahead_is_due_at_once() {
    let mut bench = postgres().await;
    shift_clock(&bench.config, "interval '-1 hour'").await;
    bench.store = Store::open(&bench.config);
    // Each takes the job that the host, an hour ahead of the server, has just made.
    bench.queued(bench.workspace).await;
    bench.lease(JobKind::Reconcile).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leases_run_out_by_the_clock_that_hosts_share() {
    let bench = postgres().await;
    bench.ingesting(bench.workspace).await;
    shift_clock(&bench.config, "interval '1 hour'").await;
    let before = Clock::system().now().micros();
    let jobs = Store::open(&bench.config).jobs();
    let lease = jobs.lease(JobKind::ALL, "w").await.unwrap().unwrap();
    let job = bench.store.jobs().get(bench.workspace, lease.job).await.unwrap().unwrap();
    let ahead = job.heartbeat_at.unwrap().micros() - before;
    assert!((3_600_000_000..3_700_000_000).contains(&ahead), "{ahead}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_age_of_jobs_is_told_by_the_clock_that_hosts_share() {
    let mut bench = postgres().await;
    bench.store = Store::open(&bench.config);
    bench.ingesting(bench.workspace).await;
    shift_clock(&bench.config, "interval '1 hour'").await;
    let store = Store::open(&bench.config);
    let max = bench.config.pool_connections_max;
    assert_eq!(store.pools(), [Pool { name: "primary", idle: 0, used: 0, max }]);
    let age = store.jobs().backlog().await.unwrap().queued.oldest_age.as_secs();
    assert!((3_600..3_700).contains(&age), "{age}");
    assert_eq!(store.pools()[0].used + store.pools()[0].idle, 1);
}

#[tokio::test]
async fn what_people_read_about_a_file_may_hold_what_the_database_does_not() {
    let bench = postgres().await;
    let id = bench.ingesting(bench.workspace).await;
    let lease = bench.lease(JobKind::Ingest).await;
    let why = Failure { code: "not_a_table".to_owned(), detail: "it begins with `PK\0\0`".to_owned() };
    bench.store.datasets().finish_ingest(&lease, IngestResult::Rejected(why)).await.unwrap();
    let failure = bench.find_dataset(id).await.failure.unwrap();
    assert_eq!(failure.detail, "it begins with `PK\u{FFFD}\u{FFFD}`");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_is_not_taken_for_its_primary() {
    let start = || {
        let primary = recon_testkit::Postgres::start(&["fsync=off"]).unwrap();
        let url = primary.database(None).unwrap();
        (primary, url)
    };
    let (primary, url) = tokio::task::spawn_blocking(start).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    Store::open(&at(&url, folder.path())).migrate().await.unwrap();
    let stand_by = move || (primary.standby().unwrap(), primary);
    let (replica, primary) = tokio::task::spawn_blocking(stand_by).await.unwrap();
    let there = url.replace(&format!(":{}/", primary.port()), &format!(":{}/", replica.port()));
    let store = Store::open(&at(&there, folder.path()));
    // It has the schema, and what it says of sessions and keys may be over.
    let refused = store.check().await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
}
