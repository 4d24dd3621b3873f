//! Reconciliations: creation, progress, publication.

use recon_domain::{BreakKind, Side};
use recon_store::{
    BreakFilter, BreakSeek, DatasetStatus, Error, Failure, JobKind, JobState, LEASE_DURATION, Phase,
    Progress, ReconciliationStatus,
};

use crate::bench::{Bench, a_break, fresh, published, replayed, run_guard};

pub(crate) async fn a_dataset_that_is_missing_or_not_ready_leaves_no_key(bench: Bench) {
    let (ready, ingesting) = (bench.ready(bench.workspace).await, bench.ingesting(bench.workspace).await);
    let missing = bench.new_dataset("never made").id;
    let runs = bench.store.reconciliations();
    let guard = || run_guard(bench.workspace, "k");

    let refused = runs.create(bench.workspace, guard(), bench.new_run(missing, ready)).await;
    assert!(matches!(refused, Err(Error::DatasetNotFound { which: Side::Left, id }) if id == missing));
    let refused = runs.create(bench.workspace, guard(), bench.new_run(ready, ingesting)).await;
    assert!(matches!(
        refused,
        Err(Error::DatasetNotReady { which: Side::Right, status: DatasetStatus::Ingesting, id }) if id == ingesting
    ));

    // The key that was refused runs once the world allows it, and only once.
    let made = fresh(runs.create(bench.workspace, guard(), bench.new_run(ready, ready)).await.unwrap());
    let response =
        replayed(runs.create(bench.workspace, guard(), bench.new_run(ready, ready)).await.unwrap());
    assert_eq!(response.headers(), [("location".to_owned(), made.id.to_string())]);
    assert!(bench.store.jobs().lease(&[JobKind::Reconcile], "w").await.unwrap().is_some());
    assert!(bench.store.jobs().lease(&[JobKind::Reconcile], "w").await.unwrap().is_none());
}

pub(crate) async fn a_run_goes_from_queued_to_succeeded(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let queued = bench.run(id).await;
    assert_eq!((queued.status, queued.progress.phase), (ReconciliationStatus::Queued, Phase::Queued));
    assert_eq!((queued.started_at, queued.published), (None, None));

    let lease = bench.lease(JobKind::Reconcile).await;
    let running = bench.run(id).await;
    assert_eq!((running.status, running.started_at), (ReconciliationStatus::Running, Some(bench.now())));
    let progress = Progress { phase: Phase::Matching, done: 3, total: 10 };
    bench.store.reconciliations().progress(&lease, progress).await.unwrap();
    let matching = bench.run(id).await;
    assert_eq!(matching.progress, progress);
    assert!(matching.version > running.version);

    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    let done = bench.run(id).await;
    assert_eq!((done.status, done.progress.phase), (ReconciliationStatus::Succeeded, Phase::Done));
    assert!(done.status.is_final());
    let shown = done.published.unwrap();
    assert_eq!((shown.attempt, shown.result), (1, published()));
    assert_eq!(done.finished_at, Some(bench.now()));
    let job = bench.store.jobs().get(bench.workspace, lease.job).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Done);
    let twice = bench.store.reconciliations().publish(&lease, published()).await;
    assert!(matches!(twice, Err(Error::LeaseLost { .. })));
}

pub(crate) async fn a_run_that_cannot_succeed_says_why(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    let failure = Failure { code: "column_missing".to_owned(), detail: "no column `amt`".to_owned() };
    bench.store.reconciliations().fail(&lease, failure.clone()).await.unwrap();
    let failed = bench.run(id).await;
    assert_eq!((failed.status, failed.failure), (ReconciliationStatus::Failed, Some(failure.clone())));
    let twice = bench.store.reconciliations().fail(&lease, failure).await;
    assert!(matches!(twice, Err(Error::LeaseLost { .. })));
    assert!(bench.store.jobs().lease(&[JobKind::Reconcile], "w").await.unwrap().is_none());
}

pub(crate) async fn a_lease_of_another_job_publishes_nothing(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    bench.ingesting(bench.workspace).await;
    let ingest = bench.lease(JobKind::Ingest).await;
    let refused = bench.store.reconciliations().publish(&ingest, published()).await;
    assert!(matches!(refused, Err(Error::LeaseLost { .. })));
    assert_eq!(bench.run(id).await.status, ReconciliationStatus::Queued);
}

pub(crate) async fn a_worker_that_lost_its_lease_publishes_nothing(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let zombie = bench.lease(JobKind::Reconcile).await;
    let of_zombie = a_break(id, Side::Left, 1, BreakKind::MissingRight);
    bench.store.breaks().insert(&zombie, vec![of_zombie.clone()]).await.unwrap();
    bench.pass(LEASE_DURATION);
    let lease = bench.lease(JobKind::Reconcile).await;
    assert_eq!(lease.attempt, 2);

    let runs = bench.store.reconciliations();
    let progress = Progress { phase: Phase::Writing, done: 1, total: 1 };
    let failure = Failure { code: "x".to_owned(), detail: "x".to_owned() };
    assert!(matches!(runs.publish(&zombie, published()).await, Err(Error::LeaseLost { attempt: 1, .. })));
    assert!(matches!(runs.progress(&zombie, progress).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(runs.fail(&zombie, failure).await, Err(Error::LeaseLost { .. })));
    let inserted = bench.store.breaks().insert(&zombie, vec![of_zombie]).await;
    assert!(matches!(inserted, Err(Error::LeaseLost { .. })));
    assert_eq!(bench.run(id).await.status, ReconciliationStatus::Running);

    let of_winner = a_break(id, Side::Right, 2, BreakKind::MissingLeft);
    bench.store.breaks().insert(&lease, vec![of_winner]).await.unwrap();
    runs.publish(&lease, published()).await.unwrap();
    assert!(matches!(runs.publish(&zombie, published()).await, Err(Error::LeaseLost { .. })));
    assert_eq!(bench.run(id).await.published.unwrap().attempt, 2);
    let seek = BreakSeek { after: None, limit: 10 };
    let shown =
        bench.store.breaks().list(bench.workspace, id, BreakFilter::default(), seek).await.unwrap().unwrap();
    let rows: Vec<_> = shown.items.iter().map(|found| (found.side, found.row)).collect();
    assert_eq!(rows, [(Side::Right, 2)], "breaks of the lost attempt stay unseen");
}
