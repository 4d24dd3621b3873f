//! Reconciliations: creation, progress, publication.

use recon_domain::{BreakKind, ReconciliationId, Side, WorkspaceId};
use recon_idempotency::{ClaimOutcome, Guard, StoredResponse};
use recon_store::{
    BreakFilter, BreakSeek, DatasetStatus, Error, Failure, JobKind, JobState, LEASE_DURATION, Phase,
    Progress, ReconciliationRecord, ReconciliationSeek, ReconciliationStatus,
};

use crate::bench::{Bench, a_break, fresh, keyed, published, replayed, run_guard};

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

/// A request to stop a reconciliation, whose answer names its status.
fn cancel_guard(workspace: WorkspaceId, key: &str) -> Guard<ReconciliationRecord> {
    keyed(workspace, key, "/cancel").answering(|record: &ReconciliationRecord| {
        StoredResponse::new(202, [("location", record.id.to_string())], record.status.to_string().into())
    })
}

async fn cancel(
    bench: &Bench,
    id: ReconciliationId,
    key: &str,
) -> Result<Option<ClaimOutcome<ReconciliationRecord>>, Error> {
    bench.store.reconciliations().cancel(bench.workspace, id, cancel_guard(bench.workspace, key)).await
}

pub(crate) async fn rules_read_back_as_they_were_given(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let rules = |workspace| {
        let runs = bench.store.reconciliations();
        async move { runs.rules(workspace, id).await.unwrap() }
    };
    assert_eq!(rules(bench.workspace).await.unwrap().as_str(), r#"{"passes":[]}"#);
    assert_eq!(rules(bench.stranger).await, None);
}

pub(crate) async fn a_list_is_newest_first_and_narrowed_by_status(bench: Bench) {
    let mut made = Vec::new();
    for _ in 0..5 {
        made.insert(0, bench.queued(bench.workspace).await);
    }
    bench.queued(bench.stranger).await;
    for id in [made[0], made[3]] {
        fresh(cancel(&bench, id, &id.to_string()).await.unwrap().unwrap());
    }
    let walk = |status, limit| {
        let runs = bench.store.reconciliations();
        let workspace = bench.workspace;
        async move {
            let (mut ids, mut before) = (Vec::new(), None);
            loop {
                let seek = ReconciliationSeek { status, before, limit };
                let page = runs.list(workspace, seek).await.unwrap();
                assert!(page.items.len() <= usize::try_from(limit).unwrap());
                ids.extend(page.items.iter().map(|record| record.id));
                before = ids.last().copied();
                if !page.more {
                    return ids;
                }
            }
        }
    };
    let (queued, cancelled) = (ReconciliationStatus::Queued, ReconciliationStatus::Cancelled);
    for limit in [1, 2, 4, 5, 500] {
        assert_eq!(walk(None, limit).await, made, "pages of {limit}");
        assert_eq!(walk(Some(cancelled), limit).await, [made[0], made[3]], "pages of {limit}");
        assert_eq!(walk(Some(queued), limit).await, [made[1], made[2], made[4]], "pages of {limit}");
        assert_eq!(walk(Some(ReconciliationStatus::Failed), limit).await, []);
    }
    let first = bench.store.reconciliations();
    let seek = ReconciliationSeek { status: None, before: None, limit: 1 };
    let first = first.list(bench.workspace, seek).await.unwrap().items;
    assert_eq!(first, [bench.run(made[0]).await], "a list shows what a read shows");
}

pub(crate) async fn a_queued_run_that_is_cancelled_never_runs(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let before = bench.run(id).await;
    let cancelled = fresh(cancel(&bench, id, "c").await.unwrap().unwrap());
    assert_eq!(cancelled, bench.run(id).await);
    assert_eq!((cancelled.status, cancelled.progress.phase), (ReconciliationStatus::Cancelled, Phase::Done));
    assert_eq!((cancelled.finished_at, cancelled.started_at), (Some(bench.now()), None));
    assert!(cancelled.version > before.version);
    bench.pass(LEASE_DURATION);
    assert!(bench.store.jobs().lease(JobKind::ALL, "w").await.unwrap().is_none());

    let response = replayed(cancel(&bench, id, "c").await.unwrap().unwrap());
    assert_eq!(response.status(), 202);
    let refused = cancel(&bench, id, "d").await;
    let status = ReconciliationStatus::Cancelled;
    assert!(
        matches!(refused, Err(Error::ReconciliationFinished { id: other, status: found }) if other == id && found == status)
    );
}

pub(crate) async fn a_worker_whose_run_is_cancelled_has_lost_its_lease(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    let found = a_break(id, Side::Left, 1, BreakKind::MissingRight);
    bench.store.breaks().insert(&lease, vec![found.clone()]).await.unwrap();
    fresh(cancel(&bench, id, "c").await.unwrap().unwrap());

    let (runs, jobs) = (bench.store.reconciliations(), bench.store.jobs());
    assert!(!jobs.holds(&lease).await.unwrap());
    let progress = Progress { phase: Phase::Writing, done: 1, total: 1 };
    let failure = Failure { code: "x".to_owned(), detail: "x".to_owned() };
    assert!(matches!(runs.publish(&lease, published()).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(runs.progress(&lease, progress).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(runs.fail(&lease, failure).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(jobs.heartbeat(&lease).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(jobs.release(&lease).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(jobs.fail(&lease, "x").await, Err(Error::LeaseLost { .. })));
    let inserted = bench.store.breaks().insert(&lease, vec![found]).await;
    assert!(matches!(inserted, Err(Error::LeaseLost { .. })));
    assert_eq!(bench.run(id).await.status, ReconciliationStatus::Cancelled);
    let job = jobs.get(bench.workspace, lease.job).await.unwrap().unwrap();
    assert_eq!((job.state, job.finished_at), (JobState::Done, Some(bench.now())));
}

pub(crate) async fn what_is_not_there_cannot_be_cancelled_and_leaves_no_key(bench: Bench) {
    let theirs = bench.queued(bench.stranger).await;
    assert!(cancel(&bench, theirs, "k").await.unwrap().is_none());
    bench.lease(JobKind::Reconcile).await;
    let done = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    let refused = cancel(&bench, done, "k").await;
    assert!(matches!(
        refused,
        Err(Error::ReconciliationFinished { status: ReconciliationStatus::Succeeded, .. })
    ));
    let queued = bench.queued(bench.workspace).await;
    fresh(cancel(&bench, queued, "k").await.unwrap().unwrap());
}

pub(crate) async fn of_a_publication_and_a_cancellation_at_the_same_moment_one_wins(bench: Bench) {
    let (mut wins, mut losses) = (0, 0);
    for round in 0..40 {
        let id = bench.queued(bench.workspace).await;
        let lease = bench.lease(JobKind::Reconcile).await;
        let runs = bench.store.reconciliations();
        let publishing = tokio::spawn(async move { runs.publish(&lease, published()).await });
        let runs = bench.store.reconciliations();
        let (workspace, guard) = (bench.workspace, cancel_guard(bench.workspace, &format!("c{round}")));
        let cancelling = tokio::spawn(async move { runs.cancel(workspace, id, guard).await });
        let (published, cancelled) = (publishing.await.unwrap(), cancelling.await.unwrap());
        let run = bench.run(id).await;
        match (published, cancelled) {
            (Ok(()), Err(Error::ReconciliationFinished { .. })) => {
                wins += 1;
                assert_eq!(run.status, ReconciliationStatus::Succeeded);
                assert!(run.published.is_some());
            }
            (Err(Error::LeaseLost { .. }), Ok(Some(ClaimOutcome::Fresh { .. }))) => {
                losses += 1;
                assert_eq!(run.status, ReconciliationStatus::Cancelled);
                assert_eq!(run.published, None);
            }
            (published, _) => panic!("both or none: {published:?} {}", run.status),
        }
    }
    assert_eq!(wins + losses, 40);
}

pub(crate) async fn a_deleted_reconciliation_is_gone_and_its_replays_stay(bench: Bench) {
    let (left, right) = (bench.ready(bench.workspace).await, bench.ready(bench.workspace).await);
    let (new, runs) = (bench.new_run(left, right), bench.store.reconciliations());
    let id = new.id;
    let create = || runs.create(bench.workspace, run_guard(bench.workspace, "k"), new.clone());
    fresh(create().await.unwrap());
    let is_refused = |refused: Result<bool, Error>| matches!(refused, Err(Error::ReconciliationUnfinished { id: other, .. }) if other == id);
    assert!(is_refused(runs.delete(bench.workspace, id).await), "queued");
    let lease = bench.lease(JobKind::Reconcile).await;
    assert!(is_refused(runs.delete(bench.workspace, id).await), "running");
    let found = a_break(id, Side::Left, 1, BreakKind::MissingRight);
    bench.store.breaks().insert(&lease, vec![found]).await.unwrap();
    runs.publish(&lease, published()).await.unwrap();

    assert!(!runs.delete(bench.stranger, id).await.unwrap());
    assert!(runs.delete(bench.workspace, id).await.unwrap());
    assert!(!runs.delete(bench.workspace, id).await.unwrap(), "a second time there is nothing");
    assert!(runs.get(bench.workspace, id).await.unwrap().is_none());
    assert!(bench.store.jobs().get(bench.workspace, lease.job).await.unwrap().is_none());
    let seek = BreakSeek { after: None, limit: 10 };
    let breaks = bench.store.breaks().list(bench.workspace, id, BreakFilter::default(), seek).await;
    assert_eq!(breaks.unwrap(), None);
    assert_eq!(replayed(create().await.unwrap()).status(), 202);
    assert!(runs.get(bench.workspace, id).await.unwrap().is_none(), "a replay makes nothing");
}
