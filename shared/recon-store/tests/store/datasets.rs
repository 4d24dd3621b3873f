//! Datasets: creation, upload, completion, ingest.

use std::sync::Arc;

use recon_domain::{DatasetId, WorkspaceId};
use recon_idempotency::{Body, ClaimOutcome};
use recon_store::{
    DatasetRecord, DatasetSeek, DatasetStatus, Error, Failure, IngestResult, JobKind, LEASE_DURATION,
    Subject, Upload,
};

use crate::bench::{Bench, content, dataset_guard, fresh, replayed};

const PATH: &str = "/v1/datasets";

pub(crate) async fn the_same_request_again_replays_the_first_answer(bench: Bench) {
    let (first, second) = (bench.new_dataset("bank"), bench.new_dataset("bank"));
    let (first_id, second_id) = (first.id, second.id);
    let datasets = bench.store.datasets();
    let guard = || dataset_guard(bench.workspace, "k", PATH);
    let made = fresh(datasets.create(bench.workspace, guard(), first).await.unwrap());
    assert_eq!((made.id, made.status), (first_id, DatasetStatus::AwaitingUpload));
    assert_eq!(bench.find_dataset(first_id).await, made);

    let response = replayed(datasets.create(bench.workspace, guard(), second).await.unwrap());
    assert_eq!(response.status(), 201);
    assert_eq!(response.body(), &Body::Inline(format!("{first_id} awaiting_upload").into_bytes()));
    assert!(datasets.get(bench.workspace, second_id).await.unwrap().is_none());
}

pub(crate) async fn another_request_with_the_same_key_is_a_mismatch(bench: Bench) {
    let datasets = bench.store.datasets();
    let guard = dataset_guard(bench.workspace, "k", PATH);
    fresh(datasets.create(bench.workspace, guard, bench.new_dataset("bank")).await.unwrap());
    let other = bench.new_dataset("ledger");
    let id = other.id;
    let guard = dataset_guard(bench.workspace, "k", "/v1/other");
    let outcome = datasets.create(bench.workspace, guard, other).await.unwrap();
    assert!(matches!(outcome, ClaimOutcome::Mismatch));
    assert!(datasets.get(bench.workspace, id).await.unwrap().is_none());
}

pub(crate) async fn the_last_attached_upload_is_the_one_that_is_pinned(bench: Bench) {
    let id = bench.dataset(bench.workspace).await;
    let first = bench.attach(bench.workspace, id, "aa").await;
    let datasets = bench.store.datasets();
    let object = datasets.begin_upload(bench.workspace, id).await.unwrap().unwrap();
    assert_ne!(object, first.object);
    let second = Upload::hashed(object, "bb".to_owned(), 4);
    let attached = datasets.attach_upload(bench.workspace, id, second.clone()).await.unwrap().unwrap();
    assert_eq!(attached.replaced, Some(first.object));
    let again = datasets.attach_upload(bench.workspace, id, second.clone()).await.unwrap().unwrap();
    assert_eq!(again.replaced, None, "what is attached must not be deleted");

    let guard = dataset_guard(bench.workspace, "c", "/complete");
    let expected = Some("BB".to_owned());
    let done = fresh(datasets.complete(bench.workspace, id, guard, expected).await.unwrap().unwrap());
    assert_eq!((done.status, done.upload.as_ref()), (DatasetStatus::Ingesting, Some(&second)));
    assert_eq!(bench.find_dataset(id).await, done);
}

/// The key of a refused completion is free: a different request may use it.
async fn key_is_free(bench: &Bench, key: &str) {
    let guard = dataset_guard(bench.workspace, key, PATH);
    fresh(bench.store.datasets().create(bench.workspace, guard, bench.new_dataset("x")).await.unwrap());
}

async fn complete(
    bench: &Bench,
    workspace: WorkspaceId,
    id: DatasetId,
    expected: Option<&str>,
) -> Result<Option<ClaimOutcome<DatasetRecord>>, Error> {
    let guard = dataset_guard(workspace, "c", "/complete");
    bench.store.datasets().complete(workspace, id, guard, expected.map(str::to_owned)).await
}

pub(crate) async fn completing_without_an_upload_leaves_no_key(bench: Bench) {
    let id = bench.dataset(bench.workspace).await;
    let refused = complete(&bench, bench.workspace, id, None).await;
    assert!(matches!(refused, Err(Error::NoUpload { id: named }) if named == id));
    key_is_free(&bench, "c").await;
}

pub(crate) async fn completing_with_another_hash_leaves_no_key(bench: Bench) {
    let id = bench.dataset(bench.workspace).await;
    bench.attach(bench.workspace, id, "aa").await;
    let refused = complete(&bench, bench.workspace, id, Some("bb")).await;
    assert!(
        matches!(refused, Err(Error::ShaMismatch { expected, found, .. }) if expected == "bb" && found == "aa")
    );
    assert_eq!(bench.find_dataset(id).await.status, DatasetStatus::AwaitingUpload);
    assert!(bench.store.jobs().lease(&[JobKind::Ingest], "w").await.unwrap().is_none());
    key_is_free(&bench, "c").await;
}

pub(crate) async fn completing_a_missing_dataset_leaves_no_key(bench: Bench) {
    let id = DatasetId::from_uuid(bench.next_uuid());
    assert!(complete(&bench, bench.workspace, id, None).await.unwrap().is_none());
    key_is_free(&bench, "c").await;
}

pub(crate) async fn late_bytes_change_nothing(bench: Bench) {
    let id = bench.dataset(bench.workspace).await;
    let pinned = bench.attach(bench.workspace, id, "aa").await;
    fresh(complete(&bench, bench.workspace, id, None).await.unwrap().unwrap());
    let datasets = bench.store.datasets();
    let late = Upload::hashed("late".to_owned(), "bb".to_owned(), 9);
    let refused = datasets.attach_upload(bench.workspace, id, late).await;
    assert!(matches!(refused, Err(Error::UploadClosed { status: DatasetStatus::Ingesting, .. })));
    let refused = datasets.begin_upload(bench.workspace, id).await;
    assert!(matches!(refused, Err(Error::UploadClosed { .. })));
    assert_eq!(bench.find_dataset(id).await.upload, Some(pinned));
}

pub(crate) async fn a_completed_dataset_is_ingested_once(bench: Bench) {
    let id = bench.dataset(bench.workspace).await;
    bench.attach(bench.workspace, id, "aa").await;
    fresh(complete(&bench, bench.workspace, id, None).await.unwrap().unwrap());
    replayed(complete(&bench, bench.workspace, id, None).await.unwrap().unwrap());
    let guard = dataset_guard(bench.workspace, "another-key", "/complete");
    let again = bench.store.datasets().complete(bench.workspace, id, guard, None).await;
    assert!(matches!(again, Err(Error::UploadClosed { .. })));

    let lease = bench.lease(JobKind::Ingest).await;
    assert_eq!((lease.subject, lease.attempt), (Subject::Dataset(id), 1));
    assert!(bench.store.jobs().lease(&[JobKind::Ingest], "w").await.unwrap().is_none());
    bench.store.datasets().finish_ingest(&lease, IngestResult::Ready(content())).await.unwrap();
    let ready = bench.find_dataset(id).await;
    assert_eq!((ready.status, ready.content), (DatasetStatus::Ready, Some(content())));
    let twice = bench.store.datasets().finish_ingest(&lease, IngestResult::Ready(content())).await;
    assert!(matches!(twice, Err(Error::LeaseLost { .. })));
}

pub(crate) async fn a_rejected_dataset_says_why(bench: Bench) {
    let id = bench.ingesting(bench.workspace).await;
    let lease = bench.lease(JobKind::Ingest).await;
    let failure = Failure { code: "not_a_table".to_owned(), detail: "a picture is not a table".to_owned() };
    bench.store.datasets().finish_ingest(&lease, IngestResult::Rejected(failure.clone())).await.unwrap();
    let rejected = bench.find_dataset(id).await;
    assert_eq!((rejected.status, rejected.failure), (DatasetStatus::Rejected, Some(failure)));
    assert!(bench.store.jobs().lease(&[JobKind::Ingest], "w").await.unwrap().is_none());
}

pub(crate) async fn an_ingest_that_lost_its_lease_changes_nothing(bench: Bench) {
    let id = bench.ingesting(bench.workspace).await;
    let zombie = bench.lease(JobKind::Ingest).await;
    bench.pass(LEASE_DURATION);
    let lease = bench.lease(JobKind::Ingest).await;
    let late = bench.store.datasets().finish_ingest(&zombie, IngestResult::Ready(content())).await;
    assert!(matches!(late, Err(Error::LeaseLost { attempt: 1, .. })));
    assert_eq!(bench.find_dataset(id).await.status, DatasetStatus::Ingesting);
    bench.store.datasets().finish_ingest(&lease, IngestResult::Ready(content())).await.unwrap();
    assert_eq!(bench.find_dataset(id).await.status, DatasetStatus::Ready);
}

pub(crate) async fn a_list_of_datasets_is_newest_first_and_its_pages_hold_each_once(bench: Bench) {
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(bench.dataset(bench.workspace).await);
        bench.dataset(bench.stranger).await;
    }
    let datasets = bench.store.datasets();
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = datasets.list(bench.workspace, DatasetSeek { before, limit: 2 }).await.unwrap();
        found.extend(page.items.iter().map(|record| record.id));
        before = found.last().copied();
        if !page.more {
            break;
        }
        assert_eq!(page.items.len(), 2);
    }
    made.reverse();
    assert_eq!(found, made);
    let all = datasets.list(bench.workspace, DatasetSeek { before: None, limit: u32::MAX }).await.unwrap();
    assert_eq!((all.items.len(), all.more), (5, false));
    assert_eq!(all.items[0], bench.find_dataset(made[0]).await);
}

pub(crate) async fn a_deleted_dataset_is_gone_and_its_replays_stay(bench: Bench) {
    let datasets = bench.store.datasets();
    let new = bench.new_dataset("bank");
    let id = new.id;
    let guard = || dataset_guard(bench.workspace, "k", PATH);
    fresh(datasets.create(bench.workspace, guard(), new).await.unwrap());
    assert!(!datasets.delete(bench.stranger, id).await.unwrap());
    assert!(datasets.delete(bench.workspace, id).await.unwrap());
    assert!(!datasets.delete(bench.workspace, id).await.unwrap());
    assert!(datasets.get(bench.workspace, id).await.unwrap().is_none());
    let again = bench.new_dataset("bank");
    replayed(datasets.create(bench.workspace, guard(), again).await.unwrap());
}

pub(crate) async fn a_stranger_takes_no_job_from_a_dataset(bench: Bench) {
    let id = bench.ingesting(bench.workspace).await;
    assert!(!bench.store.datasets().delete(bench.stranger, id).await.unwrap());
    let lease = bench.lease(JobKind::Ingest).await;
    bench.store.datasets().finish_ingest(&lease, IngestResult::Ready(content())).await.unwrap();
    assert_eq!(bench.find_dataset(id).await.status, DatasetStatus::Ready);
}

pub(crate) async fn a_dataset_that_a_reconciliation_uses_is_not_deleted(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let run = bench.run(id).await;
    let datasets = bench.store.datasets();
    for used in [run.left, run.right] {
        let refused = datasets.delete(bench.workspace, used).await;
        assert!(matches!(refused, Err(Error::DatasetInUse { id }) if id == used), "{refused:?}");
        assert_eq!(bench.find_dataset(used).await.status, DatasetStatus::Ready);
    }
    let lease = bench.lease(JobKind::Reconcile).await;
    let failure = Failure { code: "x".to_owned(), detail: "y".to_owned() };
    bench.store.reconciliations().fail(&lease, failure).await.unwrap();
    assert!(bench.store.reconciliations().delete(bench.workspace, id).await.unwrap());
    assert!(datasets.delete(bench.workspace, run.left).await.unwrap());
}

pub(crate) async fn a_worker_whose_dataset_is_deleted_has_lost_its_lease(bench: Bench) {
    let id = bench.ingesting(bench.workspace).await;
    let lease = bench.lease(JobKind::Ingest).await;
    assert!(bench.store.datasets().delete(bench.workspace, id).await.unwrap());
    let jobs = bench.store.jobs();
    assert!(matches!(jobs.heartbeat(&lease).await, Err(Error::LeaseLost { .. })));
    let late = bench.store.datasets().finish_ingest(&lease, IngestResult::Ready(content())).await;
    assert!(matches!(late, Err(Error::LeaseLost { .. })));
    assert!(matches!(jobs.fail(&lease, "gone").await, Err(Error::LeaseLost { .. })));
    assert_eq!(jobs.get(bench.workspace, lease.job).await.unwrap(), None);
    bench.pass(LEASE_DURATION);
    assert!(jobs.lease(&[JobKind::Ingest], "w").await.unwrap().is_none());
}

pub(crate) async fn requests_with_one_key_at_the_same_time_have_one_effect_and_one_answer(bench: Bench) {
    let bench = Arc::new(bench);
    at_the_same_time(&bench, 64, async |bench: Arc<Bench>| {
        let guard = dataset_guard(bench.workspace, "one-key", "/v1/datasets");
        let new = bench.new_dataset("once");
        bench.store.datasets().create(bench.workspace, guard, new).await.unwrap()
    })
    .await;
    let seek = DatasetSeek { before: None, limit: 10 };
    assert_eq!(bench.store.datasets().list(bench.workspace, seek).await.unwrap().items.len(), 1);
}

pub(crate) async fn completions_with_one_key_at_the_same_time_have_one_effect_and_one_answer(bench: Bench) {
    let id = bench.dataset(bench.workspace).await;
    bench.attach(bench.workspace, id, "aa").await;
    let bench = Arc::new(bench);
    at_the_same_time(&bench, 24, move |bench: Arc<Bench>| async move {
        complete(&bench, bench.workspace, id, None).await.unwrap().unwrap()
    })
    .await;
    let response = replayed(complete(&bench, bench.workspace, id, None).await.unwrap().unwrap());
    assert_eq!(response.body(), &Body::Inline(format!("{id} ingesting").into_bytes()));
    let guard = dataset_guard(bench.workspace, "c", "/v1/other");
    let other = bench.store.datasets().complete(bench.workspace, id, guard, None).await.unwrap();
    assert!(matches!(other, Some(ClaimOutcome::Mismatch)));
    bench.lease(JobKind::Ingest).await;
    assert!(bench.store.jobs().lease(JobKind::ALL, "w").await.unwrap().is_none(), "one job");
}

/// Asks so many times at once: one runs, and all get its answer.
async fn at_the_same_time<F, A>(bench: &Arc<Bench>, callers: usize, ask: F)
where
    F: Fn(Arc<Bench>) -> A,
    A: Future<Output = ClaimOutcome<DatasetRecord>> + Send + 'static,
{
    let asked: Vec<_> = (0..callers).map(|_| tokio::spawn(ask(Arc::clone(bench)))).collect();
    let (mut fresh, mut answers) = (0, Vec::new());
    for caller in asked {
        answers.push(match caller.await.unwrap() {
            ClaimOutcome::Fresh { response, .. } => {
                fresh += 1;
                response
            }
            ClaimOutcome::Replay { response, .. } => response,
            ClaimOutcome::InFlight { .. } | ClaimOutcome::Mismatch => panic!("not answered"),
        });
    }
    assert_eq!(fresh, 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
}
