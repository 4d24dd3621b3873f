//! Every way in which a method can fail that no other behaviour shows.

use recon_domain::WorkspaceId;
use recon_idempotency::StoredResponse;
use recon_store::{
    DatasetRecord, Error, Failure, IngestResult, JOB_FAILURES_MAX, JobKind, Json, LEASE_DURATION,
    ReconciliationStatus, Store, StoreConfig, Subject, Upload,
};
use sqlx::{Connection, SqliteConnection};

use crate::bench::{Bench, dataset_guard, fresh, json, keyed, replayed, run_guard};

pub(crate) async fn a_document_of_another_shape_is_an_error(_bench: Bench) {
    assert_eq!(json("[1,2]").read::<Vec<u8>>().unwrap(), [1, 2]);
    assert!(matches!(json("{}").read::<Vec<u8>>(), Err(Error::Document(_))));
    let no_json = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert!(matches!(Json::of(&no_json), Err(Error::Document(_))));
}

pub(crate) async fn an_answer_that_must_not_be_kept_rolls_its_effect_back(bench: Bench) {
    let new = bench.new_dataset("x");
    let request = || keyed(bench.workspace, "k", "/v1/datasets");
    let answer = |status| move |_: &DatasetRecord| StoredResponse::new(status, [("etag", "1")], Vec::new());
    let datasets = bench.store.datasets();
    let refused = datasets.create(bench.workspace, request().answering(answer(500)), new.clone()).await;
    assert!(matches!(refused, Err(Error::Idempotency(_))));
    assert!(datasets.get(bench.workspace, new.id).await.unwrap().is_none());
    fresh(datasets.create(bench.workspace, request().answering(answer(201)), new).await.unwrap());
}

pub(crate) async fn a_number_that_does_not_fit_is_an_error(bench: Bench) {
    let id = bench.dataset(bench.workspace).await;
    let upload = Upload::hashed("o".to_owned(), "aa".to_owned(), u64::MAX);
    let refused = bench.store.datasets().attach_upload(bench.workspace, id, upload).await;
    assert!(matches!(refused, Err(Error::TooLarge { column: "datasets.upload_bytes" })));
    assert_eq!(bench.find_dataset(id).await.upload, None);
}

pub(crate) async fn a_user_of_no_workspace_is_refused_by_the_database(bench: Bench) {
    let nowhere = WorkspaceId::from_uuid(bench.next_uuid());
    let refused = bench.store.users().create(nowhere, bench.new_user("a@b")).await;
    assert!(matches!(refused, Err(Error::Database { doing: "user_create", .. })));
}

pub(crate) async fn a_closed_store_is_unavailable(bench: Bench) {
    let id = bench.dataset(bench.workspace).await;
    bench.store.close().await;
    let refused = bench.store.datasets().get(bench.workspace, id).await;
    assert!(matches!(refused, Err(Error::Unavailable { doing: "dataset_get", .. })));
    let refused = bench.store.jobs().interrupt_all().await;
    assert!(matches!(refused, Err(Error::Unavailable { doing: "job_interrupt", .. })));
    let refused = bench.store.jobs().backlog().await;
    assert!(matches!(refused, Err(Error::Unavailable { doing: "job_backlog", .. })));
}

#[tokio::test]
async fn a_row_that_this_version_cannot_read_names_its_column() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::in_folder(folder.path());
    let store = Store::open(&config);
    store.migrate().await.unwrap();
    let mut connection = SqliteConnection::connect(&config.database.to_string()).await.unwrap();
    let sql = "pragma ignore_check_constraints = on;
        insert into workspaces values (x'00000000000000000000000000000001', 'w', 0);
        insert into datasets (id, workspace, name, format, options, status, created_at) values
        (x'00000000000000000000000000000002', x'00000000000000000000000000000001', 'n', 'auto', '{}', 'archived', 0)";
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    let (workspace, id) = (crate::bench::uuid(1), crate::bench::uuid(2));
    let (workspace, id) = (WorkspaceId::from_uuid(workspace), recon_domain::DatasetId::from_uuid(id));
    let unreadable = store.datasets().get(workspace, id).await;
    assert!(matches!(
        unreadable,
        Err(Error::Unreadable { column: "datasets.status", found }) if found == "archived"
    ));
}

/// A store in a folder, with an own connection to its file.
async fn with_a_connection(bench: &Bench) -> SqliteConnection {
    SqliteConnection::connect(&bench.config.database.to_string()).await.unwrap()
}

#[tokio::test]
async fn a_replay_does_not_wait_for_whoever_writes() {
    let bench = crate::bench::sqlite().await;
    let (left, right) = (bench.ready(bench.workspace).await, bench.ready(bench.workspace).await);
    let run = || run_guard(bench.workspace, "run");
    let runs = bench.store.reconciliations();
    fresh(runs.create(bench.workspace, run(), bench.new_run(left, right)).await.unwrap());

    let mut other = with_a_connection(&bench).await;
    let writing = other.begin_with("begin immediate").await.unwrap();
    replayed(runs.create(bench.workspace, run(), bench.new_run(left, right)).await.unwrap());
    let datasets = bench.store.datasets();
    let create = dataset_guard(bench.workspace, &format!("create-{left}"), "/v1/datasets");
    replayed(datasets.create(bench.workspace, create, bench.new_dataset("bank")).await.unwrap());
    let complete = dataset_guard(bench.workspace, &format!("complete-{left}"), "/complete");
    replayed(datasets.complete(bench.workspace, left, complete, None).await.unwrap().unwrap());
    drop(writing);
}

#[tokio::test]
async fn an_end_that_meets_a_subject_at_its_end_changes_nothing() {
    let bench = crate::bench::sqlite().await;
    let mut connection = with_a_connection(&bench).await;
    let why = Failure { code: "x".to_owned(), detail: "x".to_owned() };

    let run = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    let cancel = "update reconciliations set status = 'cancelled'";
    sqlx::raw_sql(cancel).execute(&mut connection).await.unwrap();
    let refused = bench.store.reconciliations().fail(&lease, why.clone()).await;
    assert!(matches!(refused, Err(Error::LeaseLost { .. })), "{refused:?}");
    assert_eq!(bench.run(run).await.status, ReconciliationStatus::Cancelled);

    let id = bench.ingesting(bench.workspace).await;
    let lease = bench.lease(JobKind::Ingest).await;
    sqlx::raw_sql("update datasets set status = 'awaiting_upload'").execute(&mut connection).await.unwrap();
    let refused = bench.store.datasets().finish_ingest(&lease, IngestResult::Rejected(why)).await;
    assert!(matches!(refused, Err(Error::LeaseLost { .. })), "{refused:?}");
    assert_eq!(bench.find_dataset(id).await.failure, None);

    // Nobody ends these jobs any more; the rest of the queue goes on all the same.
    let next = bench.ingesting(bench.workspace).await;
    for _ in 0..=JOB_FAILURES_MAX {
        bench.pass(LEASE_DURATION);
        while let Some(lease) = bench.store.jobs().lease(JobKind::ALL, "w").await.unwrap() {
            if lease.subject == Subject::Dataset(next) {
                bench.store.jobs().release(&lease).await.unwrap();
                break;
            }
        }
    }
    assert_eq!(bench.lease(JobKind::Ingest).await.subject, Subject::Dataset(next));
}
