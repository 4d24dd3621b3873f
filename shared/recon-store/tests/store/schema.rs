//! Migrations of a SQLite file, and schemas that do not fit.

use recon_store::{Error, Migrated, Schema, Store, StoreConfig};
use sqlx::{Connection, SqliteConnection};

use crate::bench::sqlite;

async fn execute(config: &StoreConfig, sql: &'static str) {
    let url = config.database.to_string();
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn opening_touches_nothing_and_a_missing_file_has_no_schema() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreConfig::in_folder(folder.path()));
    assert!(matches!(store.check().await.unwrap(), Schema::Older { found: 0, .. }));
    let refused = store.jobs().interrupt_all().await;
    assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn migrating_twice_changes_nothing_the_second_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&StoreConfig::in_folder(&folder.path().join("made/on/the/way")));
    let first = store.migrate().await.unwrap();
    assert_eq!((first.from, first.backup), (0, None));
    let second = store.migrate().await.unwrap();
    assert_eq!(second, Migrated { from: first.to, to: first.to, backup: None });
    assert_eq!(store.check().await.unwrap(), Schema::Compatible { version: first.to });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_migrate_at_once_agree() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::in_folder(folder.path());
    let migrating = (0..4).map(|_| {
        let store = Store::open(&config);
        tokio::spawn(async move { store.migrate().await })
    });
    for migrated in migrating.collect::<Vec<_>>() {
        migrated.await.unwrap().unwrap();
    }
    assert!(matches!(Store::open(&config).check().await.unwrap(), Schema::Compatible { .. }));
}

#[tokio::test]
async fn an_older_file_is_copied_before_it_is_migrated() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::in_folder(folder.path());
    let store = Store::open(&config);
    let newest = store.migrate().await.unwrap().to;
    // The file of a build that knew one migration less.
    execute(
        &config,
        "drop table breaks; drop index reconciliations_by_status; drop index jobs_by_subject;
        drop index sessions_tag_id_idx; create index sessions_tag_idx on sessions (tag, last_seen_at);
        drop index datasets_by_age; drop index reconciliations_by_end; drop table sweep_places;
        delete from _sqlx_migrations where version >= 9; update schema_version set version = 8",
    )
    .await;
    assert_eq!(store.check().await.unwrap(), Schema::Older { found: 8, needed: newest });
    std::fs::write(folder.path().join("recon.db.bak-8.tmp"), "left by a killed migration").unwrap();

    let migrated = store.migrate().await.unwrap();
    let backup = folder.path().join("recon.db.bak-8");
    assert_eq!(migrated, Migrated { from: 8, to: newest, backup: Some(backup.clone()) });
    assert_eq!(store.check().await.unwrap(), Schema::Compatible { version: newest });
    assert!(!folder.path().join("recon.db.bak-8.tmp").exists());
    let copied = StoreConfig { database: recon_store::DatabaseUrl::Sqlite(backup), ..config };
    assert_eq!(Store::open(&copied).check().await.unwrap(), Schema::Older { found: 8, needed: newest });
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::in_folder(folder.path());
    let store = Store::open(&config);
    store.migrate().await.unwrap();
    execute(
        &config,
        "drop table breaks; drop table reconciliations; create table breaks (in_the_way integer);
        delete from _sqlx_migrations where version >= 8; update schema_version set version = 7",
    )
    .await;
    assert!(matches!(store.migrate().await, Err(Error::Migration(_))));
    assert!(matches!(store.check().await.unwrap(), Schema::Older { found: 7, .. }));
    // The eighth step, which had worked, was taken back with the ninth.
    execute(&config, "create table reconciliations (free integer)").await;
}

#[tokio::test]
async fn a_table_that_others_refer_to_is_made_anew_with_all_of_its_rows() {
    let bench = sqlite().await;
    let left = bench.ready(bench.workspace).await;
    let run = bench.queued(bench.workspace).await;
    let mut before = (bench.find_dataset(left).await, bench.run(run).await);
    let store = &bench.store;
    // As a build left it whose datasets all had to have an upload, and did not say when it was seen.
    before.0.upload_seen_at = None;
    execute(
        &bench.config,
        "drop index datasets_awaiting_upload; drop index datasets_by_age; drop index reconciliations_by_end;
        drop table sweep_places; delete from _sqlx_migrations where version >= 14;
        update schema_version set version = 13",
    )
    .await;
    assert_eq!(store.migrate().await.unwrap().from, 13);
    assert_eq!((bench.find_dataset(left).await, bench.run(run).await), before);
    // What refers to a dataset still does.
    let used = store.datasets().delete(bench.workspace, before.1.left).await;
    assert!(matches!(used, Err(Error::DatasetInUse { .. })), "{used:?}");
    assert!(store.datasets().delete(bench.workspace, left).await.unwrap());
}

#[tokio::test]
async fn a_migration_that_leaves_rows_that_refer_to_nothing_is_taken_back() {
    let bench = sqlite().await;
    let run = bench.queued(bench.workspace).await;
    execute(
        &bench.config,
        "pragma foreign_keys = off; delete from datasets; drop index datasets_by_age;
        drop index reconciliations_by_end; drop table sweep_places; alter table datasets drop column upload_seen_at;
        alter table datasets drop column upload_etag; alter table datasets drop column expected_sha256;
        delete from _sqlx_migrations where version >= 15; update schema_version set version = 14",
    )
    .await;
    let torn = bench.store.migrate().await;
    assert!(matches!(&torn, Err(Error::Torn { table }) if table == "reconciliations"), "{torn:?}");
    assert!(matches!(bench.store.check().await.unwrap(), Schema::Older { found: 14, .. }));
    bench.run(run).await;
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::in_folder(folder.path());
    let store = Store::open(&config);
    let known = store.migrate().await.unwrap().to;
    execute(&config, "update schema_version set version = 1000, min_compatible = 1").await;
    assert_eq!(store.check().await.unwrap(), Schema::Compatible { version: 1000 });
    assert_eq!(store.migrate().await.unwrap(), Migrated { from: 1000, to: 1000, backup: None });
    execute(&config, "update schema_version set version = 1001, min_compatible = 1000").await;
    let newer = Schema::Newer { found: 1001, min_compatible: 1000, known };
    assert_eq!(store.check().await.unwrap(), newer);
    let refused = store.migrate().await;
    assert!(matches!(refused, Err(Error::SchemaNewer { found: 1001, known: own }) if own == known));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_an_error_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::in_folder(folder.path());
    let text = "these are a thousand words about something else. ".repeat(100);
    std::fs::write(folder.path().join("recon.db"), &text).unwrap();
    let store = Store::open(&config);
    assert!(store.check().await.is_err());
    assert!(store.migrate().await.is_err());
    assert_eq!(std::fs::read_to_string(folder.path().join("recon.db")).unwrap(), text);
}
