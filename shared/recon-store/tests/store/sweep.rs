//! What nobody needs any more.

use std::time::{Duration, UNIX_EPOCH};

use recon_domain::{BreakKind, DatasetId, ReconciliationId, Side};
use recon_store::{
    DatasetContent, DatasetSeek, DatasetStatus, Error, Failure, IngestResult, Interrupted, JOB_FAILURES_MAX,
    JobKind, JobState, LEASE_DURATION, Phase, Progress, Published, ReconciliationStatus, SWEEP_BATCH,
    SWEEP_LOOK_MAX, Sweeping, Upload, object_name,
};

use crate::bench::{Bench, a_break, content, dataset_guard, dataset_guard_for, fresh, published, uuid};

const DAY: Duration = Duration::from_hours(24);
const LOOK: u32 = SWEEP_LOOK_MAX;
const MICRO: Duration = Duration::from_micros(1);

/// What a call says that did so much and knows of no more.
fn all(count: u64) -> Sweeping {
    Sweeping { count, failed: 0, more: false }
}

/// An object that was written so long before now.
pub(crate) async fn put_before(bench: &Bench, name: &str, ago: Duration) {
    bench.put(name).await;
    written_before(bench, &bench.object_file(name), ago);
}

/// Makes a file one that was written so long before now.
pub(crate) fn written_before(bench: &Bench, file: &std::path::Path, ago: Duration) {
    let written = u64::try_from(bench.now().micros()).unwrap();
    let written = UNIX_EPOCH + Duration::from_micros(written) - ago;
    let file = std::fs::File::options().write(true).open(file).unwrap();
    file.set_modified(written).unwrap();
}

/// The objects, but for the one that says whose they are.
pub(crate) async fn objects(bench: &Bench) -> Vec<String> {
    let listed = bench.store.objects().list("").await.unwrap();
    listed.into_iter().map(|object| object.name).filter(|name| name != "installation").collect()
}

pub(crate) async fn objects_beside_another_database_are_left_alone(bench: Bench) {
    let id = stored(&bench).await;
    let before = objects(&bench).await;
    bench.pass(30 * DAY);

    // Another installation with the same folder, and no record of anything in it.
    let other = bench.beside("other.db").await;
    assert_eq!(other.sweep().orphaned_objects(LOOK).await.unwrap(), all(0));
    assert_eq!(objects(&bench).await, before);
    // The one whose folder it is goes on sweeping it.
    put_before(&bench, &object_name::content(DatasetId::from_uuid(uuid(77)), 1), DAY).await;
    assert_eq!(bench.store.sweep().orphaned_objects(LOOK).await.unwrap(), all(1));
    assert_eq!(objects(&bench).await, before, "{id}");
}

/// A dataset that is ready, with its objects written at the time of the clock.
pub(crate) async fn stored(bench: &Bench) -> DatasetId {
    let id = bench.dataset(bench.workspace).await;
    let datasets = bench.store.datasets();
    let object = datasets.begin_upload(bench.workspace, id).await.unwrap().unwrap();
    put_before(bench, &object, Duration::ZERO).await;
    let upload = Upload::hashed(object, "aa".to_owned(), 5);
    datasets.attach_upload(bench.workspace, id, upload).await.unwrap().unwrap();
    let guard = dataset_guard(bench.workspace, &format!("complete-{id}"), "/complete");
    fresh(datasets.complete(bench.workspace, id, guard, None).await.unwrap().unwrap());
    let lease = bench.lease(JobKind::Ingest).await;
    let object = object_name::content(id, lease.attempt);
    put_before(bench, &object, Duration::ZERO).await;
    put_before(bench, &object_name::rejected_beside(&object), Duration::ZERO).await;
    let content = DatasetContent { object, ..content() };
    datasets.finish_ingest(&lease, IngestResult::Ready(content)).await.unwrap();
    id
}

/// A reconciliation that succeeded, with a break and its objects.
async fn succeeded(bench: &Bench) -> ReconciliationId {
    let id = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    let found = vec![a_break(id, Side::Left, 1, BreakKind::MissingRight)];
    bench.store.breaks().insert(&lease, found).await.unwrap();
    let matches_object = object_name::matches(id, lease.attempt);
    put_before(bench, &matches_object, Duration::ZERO).await;
    put_before(bench, &object_name::rejections(id, lease.attempt), Duration::ZERO).await;
    let result = Published { matches_object, ..published() };
    bench.store.reconciliations().publish(&lease, result).await.unwrap();
    id
}

pub(crate) async fn keys_go_when_they_have_expired_and_not_before(bench: Bench) {
    // The keys' clock is the database's own.
    for (key, retention, count) in [("kept", DAY, 0), ("gone", Duration::ZERO, 1)] {
        let new = bench.new_dataset("bank");
        let guard = dataset_guard_for(bench.workspace, key, "/v1/datasets", retention);
        fresh(bench.store.datasets().create(bench.workspace, guard, new).await.unwrap());
        for count in [count, 0] {
            assert_eq!(bench.store.sweep().expired_keys().await.unwrap(), all(count), "{key}");
        }
    }
}

pub(crate) async fn a_lease_that_ran_out_is_taken_and_its_run_waits_again(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let lost = bench.lease(JobKind::Reconcile).await;
    let sweep = bench.store.sweep();
    bench.pass(LEASE_DURATION - MICRO);
    assert_eq!(sweep.lost_leases().await.unwrap(), Interrupted { again: 0, given_up: 0 });
    bench.store.jobs().heartbeat(&lost).await.unwrap();
    bench.pass(LEASE_DURATION);
    assert_eq!(sweep.lost_leases().await.unwrap(), Interrupted { again: 1, given_up: 0 });
    assert_eq!(sweep.lost_leases().await.unwrap(), Interrupted { again: 0, given_up: 0 });
    assert_eq!(bench.run(id).await.status, ReconciliationStatus::Queued);
    let progress = Progress { phase: Phase::Reading, done: 1, total: 2 };
    let late = bench.store.reconciliations().progress(&lost, progress).await;
    assert!(matches!(late, Err(Error::LeaseLost { .. })));
    assert_eq!(bench.lease(JobKind::Reconcile).await.attempt, 2);
}

pub(crate) async fn a_job_whose_leases_keep_running_out_is_given_up_by_the_sweep_too(bench: Bench) {
    let dataset = bench.ingesting(bench.workspace).await;
    let sweep = bench.store.sweep();
    for failures in 1..=JOB_FAILURES_MAX {
        let lease = bench.lease(JobKind::Ingest).await;
        bench.pass(LEASE_DURATION);
        let given_up = usize::from(failures == JOB_FAILURES_MAX);
        assert_eq!(sweep.lost_leases().await.unwrap(), Interrupted { again: 1 - given_up, given_up });
        let job = bench.store.jobs().get(bench.workspace, lease.job).await.unwrap().unwrap();
        assert_eq!((job.failures, job.state == JobState::Dead), (failures, given_up == 1));
        assert!(job.last_error.is_some());
        bench.pass(recon_store::BACKOFF_MAX);
    }
    let found = bench.find_dataset(dataset).await;
    assert_eq!(found.status, DatasetStatus::Rejected);
    assert_eq!(found.failure.unwrap().code, "attempts_exhausted");
}

pub(crate) async fn an_upload_that_is_not_completed_in_time_is_rejected(bench: Bench) {
    let (bare, attached) = (bench.dataset(bench.workspace).await, bench.dataset(bench.workspace).await);
    bench.attach(bench.workspace, attached, "aa").await;
    let ready = bench.ready(bench.workspace).await;
    let sweep = bench.store.sweep();
    bench.pass(DAY - MICRO);
    let young = bench.dataset(bench.workspace).await;
    assert_eq!(sweep.expired_uploads(DAY).await.unwrap(), all(0));
    bench.pass(MICRO);
    assert_eq!(sweep.expired_uploads(DAY).await.unwrap(), all(2));
    assert_eq!(sweep.expired_uploads(DAY).await.unwrap(), all(0));
    for id in [bare, attached] {
        let found = bench.find_dataset(id).await;
        assert_eq!((found.status, found.upload), (DatasetStatus::Rejected, None));
        assert_eq!(found.failure.unwrap().code, "upload_expired");
    }
    assert_eq!(bench.find_dataset(young).await.status, DatasetStatus::AwaitingUpload);
    assert_eq!(bench.find_dataset(ready).await.status, DatasetStatus::Ready);
    let late = bench.store.datasets().begin_upload(bench.workspace, bare).await;
    assert!(matches!(late, Err(Error::UploadClosed { status: DatasetStatus::Rejected, .. })));
}

pub(crate) async fn an_upload_expires_by_its_last_sign_of_life(bench: Bench) {
    let (silent, begun, attached) = (
        bench.dataset(bench.workspace).await,
        bench.dataset(bench.workspace).await,
        bench.dataset(bench.workspace).await,
    );
    let (datasets, sweep) = (bench.store.datasets(), bench.store.sweep());
    bench.pass(DAY - MICRO);
    datasets.begin_upload(bench.workspace, begun).await.unwrap().unwrap();
    let object = datasets.begin_upload(bench.workspace, attached).await.unwrap().unwrap();
    bench.pass(MICRO);
    let upload = Upload::hashed(object, "aa".to_owned(), 5);
    datasets.attach_upload(bench.workspace, attached, upload).await.unwrap().unwrap();
    // Announced a day ago, all of them.
    for (expired, id) in [(1, silent), (1, begun), (1, attached)] {
        assert_eq!(sweep.expired_uploads(DAY).await.unwrap(), all(expired));
        assert_eq!(sweep.expired_uploads(DAY).await.unwrap(), all(0));
        assert_eq!(bench.find_dataset(id).await.failure.unwrap().code, "upload_expired");
        bench.pass(if id == silent { DAY - MICRO } else { MICRO });
    }
}

pub(crate) async fn a_sweep_says_when_a_batch_was_not_all(bench: Bench) {
    for _ in 0..SWEEP_BATCH + 1 {
        bench.dataset(bench.workspace).await;
    }
    bench.pass(DAY);
    let sweep = bench.store.sweep();
    let full = Sweeping { count: u64::from(SWEEP_BATCH), failed: 0, more: true };
    assert_eq!(sweep.expired_uploads(DAY).await.unwrap(), full);
    assert_eq!(sweep.expired_uploads(DAY).await.unwrap(), all(1));
}

pub(crate) async fn breaks_of_attempts_that_are_over_go_and_the_others_stay(bench: Bench) {
    let done = succeeded(&bench).await;
    let breaks = |id| (1..=3).map(|row| a_break(id, Side::Left, row, BreakKind::MissingRight)).collect();
    // An attempt that was lost, and one that a worker is at.
    let running = bench.queued(bench.workspace).await;
    let lost = bench.lease(JobKind::Reconcile).await;
    bench.store.breaks().insert(&lost, breaks(running)).await.unwrap();
    bench.pass(LEASE_DURATION);
    let lease = bench.lease(JobKind::Reconcile).await;
    bench.store.breaks().insert(&lease, breaks(running)).await.unwrap();
    assert_eq!(bench.stored_breaks(running).await, [(1, 3), (2, 3)]);
    let sweep = bench.store.sweep();
    for count in [3, 0] {
        assert_eq!(sweep.unpublished_breaks(LOOK).await.unwrap(), all(count));
        assert_eq!(bench.stored_breaks(running).await, [(2, 3)]);
        assert_eq!(bench.stored_breaks(done).await, [(1, 1)]);
    }
    // One that failed for good, and one that is deleted.
    let failure = Failure { code: "x".to_owned(), detail: "y".to_owned() };
    bench.store.reconciliations().fail(&lease, failure).await.unwrap();
    assert!(bench.store.reconciliations().delete(bench.workspace, done).await.unwrap());
    assert_eq!(sweep.unpublished_breaks(LOOK).await.unwrap(), all(4));
    assert_eq!(bench.stored_breaks(running).await, []);
    assert_eq!(bench.stored_breaks(done).await, []);
}

pub(crate) async fn objects_that_a_record_names_stay_however_old(bench: Bench) {
    stored(&bench).await;
    succeeded(&bench).await;
    let before = objects(&bench).await;
    bench.pass(1000 * DAY);
    assert_eq!(bench.store.sweep().orphaned_objects(LOOK).await.unwrap(), all(0));
    assert_eq!(objects(&bench).await, before);
}

pub(crate) async fn old_objects_that_no_record_names_go_and_young_ones_stay(bench: Bench) {
    let dataset = stored(&bench).await;
    let run = succeeded(&bench).await;
    let nobody = bench.next_uuid();
    let kept = objects(&bench).await;
    let orphans = [
        format!("uploads/{dataset}/0f0f0f0f-0000-4000-8000-000000000001"),
        format!("uploads/{nobody}/0f0f0f0f-0000-4000-8000-000000000002"),
        object_name::content(dataset, 9),
        object_name::rejected_beside(&object_name::content(dataset, 9)),
        object_name::content(DatasetId::from_uuid(nobody), 1),
        object_name::matches(ReconciliationId::from_uuid(nobody), 1),
        object_name::rejections(run, 9),
    ];
    let (hour, sweep) = (Duration::from_hours(1), bench.store.sweep());
    for name in &orphans {
        put_before(&bench, name, hour - MICRO).await;
    }
    assert_eq!(sweep.orphaned_objects(LOOK).await.unwrap(), all(0), "they may be recorded in a moment");
    assert_eq!(objects(&bench).await.len(), kept.len() + orphans.len());
    bench.pass(MICRO);
    assert_eq!(sweep.orphaned_objects(LOOK).await.unwrap(), all(7));
    assert_eq!(objects(&bench).await, kept);
    assert_eq!(sweep.orphaned_objects(LOOK).await.unwrap(), all(0));
}

pub(crate) async fn what_a_worker_writes_is_nobodys_only_when_it_is_over(bench: Bench) {
    let dataset = bench.ingesting(bench.workspace).await;
    let ingest = bench.lease(JobKind::Ingest).await;
    let content_object = object_name::content(dataset, ingest.attempt);
    put_before(&bench, &content_object, DAY).await;
    let sweep = bench.store.sweep();
    assert_eq!(sweep.orphaned_objects(LOOK).await.unwrap(), all(0));
    let failure = Failure { code: "x".to_owned(), detail: "y".to_owned() };
    bench.store.datasets().finish_ingest(&ingest, IngestResult::Rejected(failure.clone())).await.unwrap();
    assert_eq!(sweep.orphaned_objects(LOOK).await.unwrap(), all(1));

    let run = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    put_before(&bench, &object_name::matches(run, lease.attempt), DAY).await;
    assert_eq!(sweep.orphaned_objects(LOOK).await.unwrap(), all(0));
    bench.store.reconciliations().fail(&lease, failure).await.unwrap();
    assert_eq!(sweep.orphaned_objects(LOOK).await.unwrap(), all(1));
    assert_eq!(objects(&bench).await, Vec::<String>::new());
}

pub(crate) async fn names_that_nothing_here_gives_are_left_alone(bench: Bench) {
    for name in ["uploads/readme", "datasets/notes/1.parquet", "elsewhere/1"] {
        put_before(&bench, name, DAY).await;
    }
    assert_eq!(bench.store.sweep().orphaned_objects(LOOK).await.unwrap(), all(0));
    assert_eq!(objects(&bench).await.len(), 3);
}

pub(crate) async fn a_retention_deletes_old_runs_and_then_the_datasets_that_nobody_uses(bench: Bench) {
    let old = succeeded(&bench).await;
    let record = bench.run(old).await;
    let alone = stored(&bench).await;
    bench.pass(30 * DAY - MICRO);
    let (kept, sweep) = (30 * DAY, bench.store.sweep());
    assert_eq!(sweep.old_reconciliations(kept).await.unwrap(), all(0));
    assert_eq!(sweep.old_datasets(kept).await.unwrap(), all(0));
    bench.pass(MICRO);
    let awaiting = bench.dataset(bench.workspace).await;
    // A dataset that a reconciliation uses stays, however old.
    assert_eq!(sweep.old_datasets(kept).await.unwrap(), all(1));
    let datasets = bench.store.datasets();
    assert!(datasets.get(bench.workspace, alone).await.unwrap().is_none());
    for used in [record.left, record.right] {
        bench.find_dataset(used).await;
    }
    assert_eq!(sweep.old_reconciliations(kept).await.unwrap(), all(1));
    assert_eq!(sweep.old_reconciliations(kept).await.unwrap(), all(0));
    assert_eq!(bench.stored_breaks(old).await, []);
    assert_eq!(sweep.old_datasets(kept).await.unwrap(), all(2));
    let left = datasets.list(bench.workspace, DatasetSeek { before: None, limit: 9 }).await.unwrap();
    assert_eq!(left.items.iter().map(|record| record.id).collect::<Vec<_>>(), [awaiting]);
    assert_eq!(objects(&bench).await, Vec::<String>::new());
}

pub(crate) async fn a_run_that_is_not_over_is_kept_by_every_retention(bench: Bench) {
    let queued = bench.queued(bench.workspace).await;
    bench.pass(1000 * DAY);
    let sweep = bench.store.sweep();
    assert_eq!(sweep.old_reconciliations(DAY).await.unwrap(), all(0));
    assert_eq!(sweep.old_datasets(DAY).await.unwrap(), all(0));
    assert_eq!(bench.run(queued).await.status, ReconciliationStatus::Queued);
}

pub(crate) async fn two_sweeps_at_once_do_everything_once(bench: Bench) {
    let old = succeeded(&bench).await;
    for _ in 0..20 {
        bench.dataset(bench.workspace).await;
    }
    bench.pass(30 * DAY);
    let orphan = object_name::content(DatasetId::from_uuid(bench.next_uuid()), 1);
    put_before(&bench, &orphan, DAY).await;
    let sweep = async || {
        let sweep = bench.store.sweep();
        let expired = sweep.expired_uploads(DAY).await.unwrap().count;
        let runs = sweep.old_reconciliations(DAY).await.unwrap().count;
        sweep.orphaned_objects(LOOK).await.unwrap();
        sweep.unpublished_breaks(LOOK).await.unwrap();
        (expired, runs, sweep.old_datasets(DAY).await.unwrap().count)
    };
    let (one, other) = tokio::join!(sweep(), sweep());
    assert_eq!((one.0 + other.0, one.1 + other.1, one.2 + other.2), (20, 1, 22));
    assert_eq!(bench.stored_breaks(old).await, []);
    assert_eq!(objects(&bench).await, Vec::<String>::new());
}

pub(crate) async fn a_sweep_goes_on_where_the_last_one_stopped_and_begins_anew(bench: Bench) {
    let sweep = bench.store.sweep();
    let orphan = |owner: DatasetId| object_name::content(owner, 1);
    let mut owners: Vec<_> = (0..5).map(|_| DatasetId::from_uuid(bench.next_uuid())).collect();
    owners.sort_unstable_by_key(|owner| owner.uuid());
    for owner in &owners[..4] {
        put_before(&bench, &orphan(*owner), DAY).await;
    }
    // The last of them is looked at by the second call, which a restart comes before.
    assert_eq!(sweep.orphaned_objects(3).await.unwrap(), all(3));
    let bench = bench.restart().await;
    let sweep = bench.store.sweep();
    put_before(&bench, &orphan(owners[0]), DAY).await;
    assert_eq!(sweep.orphaned_objects(3).await.unwrap(), all(1));
    assert_eq!(objects(&bench).await, [orphan(owners[0])]);
    assert_eq!(sweep.orphaned_objects(3).await.unwrap(), all(1));

    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(succeeded(&bench).await);
    }
    for run in &runs {
        assert!(bench.store.reconciliations().delete(bench.workspace, *run).await.unwrap());
    }
    for count in [2, 1, 0, 0] {
        assert_eq!(sweep.unpublished_breaks(2).await.unwrap(), all(count));
    }
}

pub(crate) async fn what_a_deletion_that_was_cut_off_left_is_found(bench: Bench) {
    let dataset = stored(&bench).await;
    assert!(bench.store.datasets().delete(bench.workspace, dataset).await.unwrap());
    let bench = bench.restart().await;
    assert_eq!(objects(&bench).await.len(), 3);
    bench.pass(Duration::from_hours(1));
    assert_eq!(bench.store.sweep().orphaned_objects(LOOK).await.unwrap(), all(3));
    assert_eq!(objects(&bench).await, Vec::<String>::new());
}
