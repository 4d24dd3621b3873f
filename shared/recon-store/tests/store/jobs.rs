//! Jobs and leases.

use std::collections::HashSet;
use std::time::Duration;

use recon_store::{
    BACKOFF_MAX, Backlog, DatasetStatus, Error, Failed, Failure, HEARTBEAT_INTERVAL, IngestResult,
    Interrupted, JOB_FAILURES_MAX, JobKind, JobState, JobsInState, LEASE_DURATION, POSTPONED_FOR,
    POSTPONED_UNTIL, ReconciliationStatus, Subject,
};

use crate::bench::{Bench, published};

const SECOND: Duration = Duration::from_secs(1);

pub(crate) async fn the_oldest_job_is_taken_first(bench: Bench) {
    let first = bench.ingesting(bench.workspace).await;
    bench.pass(SECOND);
    let second = bench.ingesting(bench.stranger).await;
    let (one, two) = (bench.lease(JobKind::Ingest).await, bench.lease(JobKind::Ingest).await);
    assert_eq!((one.subject, two.subject), (Subject::Dataset(first), Subject::Dataset(second)));
    assert_eq!((one.workspace, two.workspace), (bench.workspace, bench.stranger));
}

pub(crate) async fn only_jobs_of_the_asked_kinds_are_taken(bench: Bench) {
    bench.ingesting(bench.workspace).await;
    let jobs = bench.store.jobs();
    assert!(jobs.lease(&[], "w").await.unwrap().is_none());
    assert!(jobs.lease(&[JobKind::Reconcile], "w").await.unwrap().is_none());
    assert!(jobs.lease(JobKind::ALL, "w").await.unwrap().is_some());
}

pub(crate) async fn two_workers_never_have_the_same_job(bench: Bench) {
    const JOBS: usize = 12;
    for _ in 0..JOBS {
        bench.ingesting(bench.workspace).await;
    }
    let workers = (0..4).map(|number| {
        let jobs = bench.store.jobs();
        tokio::spawn(async move {
            let mut taken = Vec::new();
            while let Some(lease) = jobs.lease(JobKind::ALL, &format!("worker {number}")).await.unwrap() {
                taken.push(lease.job);
            }
            taken
        })
    });
    let mut taken = Vec::new();
    for worker in workers.collect::<Vec<_>>() {
        taken.extend(worker.await.unwrap());
    }
    assert_eq!(taken.len(), JOBS);
    assert_eq!(taken.into_iter().collect::<HashSet<_>>().len(), JOBS);
}

pub(crate) async fn a_heartbeat_keeps_the_lease(bench: Bench) {
    bench.ingesting(bench.workspace).await;
    let lease = bench.lease(JobKind::Ingest).await;
    for _ in 0..10 {
        bench.pass(HEARTBEAT_INTERVAL);
        bench.store.jobs().heartbeat(&lease).await.unwrap();
        assert!(bench.store.jobs().lease(JobKind::ALL, "other").await.unwrap().is_none());
    }
    let job = bench.store.jobs().get(bench.workspace, lease.job).await.unwrap().unwrap();
    assert_eq!(job.heartbeat_at, Some(bench.now()));
    assert_eq!((job.attempt, job.worker.as_deref()), (1, Some("worker")));
}

pub(crate) async fn an_expired_lease_goes_to_the_next_worker(bench: Bench) {
    bench.ingesting(bench.workspace).await;
    let first = bench.lease(JobKind::Ingest).await;
    bench.pass(LEASE_DURATION - SECOND);
    assert!(bench.store.jobs().lease(JobKind::ALL, "w").await.unwrap().is_none());
    bench.pass(SECOND);
    let second = bench.lease(JobKind::Ingest).await;
    assert_eq!((second.job, second.attempt), (first.job, 2));
    assert_eq!((first.is_takeover, second.is_takeover), (false, true));
    let job = bench.store.jobs().get(bench.workspace, first.job).await.unwrap().unwrap();
    assert_eq!((job.state, job.failures), (JobState::Running, 1));
}

pub(crate) async fn every_verb_refuses_a_lost_lease(bench: Bench) {
    bench.ingesting(bench.workspace).await;
    let zombie = bench.lease(JobKind::Ingest).await;
    bench.pass(LEASE_DURATION);
    let lease = bench.lease(JobKind::Ingest).await;
    let jobs = bench.store.jobs();
    assert!(matches!(jobs.heartbeat(&zombie).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(jobs.release(&zombie).await, Err(Error::LeaseLost { .. })));
    assert!(matches!(jobs.fail(&zombie, "x").await, Err(Error::LeaseLost { .. })));
    jobs.heartbeat(&lease).await.unwrap();
    let job = jobs.get(bench.workspace, lease.job).await.unwrap().unwrap();
    assert_eq!((job.state, job.last_error), (JobState::Running, None));
}

pub(crate) async fn a_released_job_is_taken_at_once_and_costs_no_failure(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let jobs = bench.store.jobs();
    for attempt in 1..=JOB_FAILURES_MAX + 2 {
        let lease = bench.lease(JobKind::Reconcile).await;
        assert_eq!((lease.attempt, lease.is_takeover), (attempt, false));
        assert_eq!(bench.run(id).await.status, ReconciliationStatus::Running);
        jobs.release(&lease).await.unwrap();
        assert_eq!(bench.run(id).await.status, ReconciliationStatus::Queued);
        let job = jobs.get(bench.workspace, lease.job).await.unwrap().unwrap();
        assert_eq!((job.state, job.failures), (JobState::Queued, 0));
    }
}

pub(crate) async fn a_postponed_job_waits_and_costs_no_failure_for_a_day(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let jobs = bench.store.jobs();
    for _ in 0..JOB_FAILURES_MAX + 2 {
        let lease = bench.lease(JobKind::Reconcile).await;
        let Failed::Retried { run_after } = jobs.postpone(&lease, "no bucket").await.unwrap() else {
            panic!("given up too early")
        };
        let wait = u64::try_from(run_after.micros() - bench.now().micros()).unwrap();
        assert_eq!(Duration::from_micros(wait), POSTPONED_FOR);
        assert_eq!(bench.run(id).await.status, ReconciliationStatus::Queued);
        let job = jobs.get(bench.workspace, lease.job).await.unwrap().unwrap();
        assert_eq!(
            (job.state, job.failures, job.last_error.as_deref()),
            (JobState::Queued, 0, Some("no bucket"))
        );
        assert!(jobs.lease(JobKind::ALL, "w").await.unwrap().is_none(), "it is not due yet");
        assert!(matches!(jobs.postpone(&lease, "x").await, Err(Error::LeaseLost { .. })));
        bench.pass(POSTPONED_FOR);
    }
    bench.pass(POSTPONED_UNTIL);
    for failures in 1..=JOB_FAILURES_MAX {
        let lease = bench.lease(JobKind::Reconcile).await;
        let dead = failures == JOB_FAILURES_MAX;
        assert_eq!(jobs.postpone(&lease, "no bucket").await.unwrap() == Failed::Dead, dead, "{failures}");
        bench.pass(BACKOFF_MAX);
    }
    assert_eq!(bench.run(id).await.status, ReconciliationStatus::Failed);
}

pub(crate) async fn a_failed_job_waits_longer_each_time_and_dies(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let jobs = bench.store.jobs();
    let mut last_wait = 0;
    for _ in 1..JOB_FAILURES_MAX {
        let lease = bench.lease(JobKind::Reconcile).await;
        let Failed::Retried { run_after } = jobs.fail(&lease, "disk full").await.unwrap() else {
            panic!("given up too early")
        };
        let wait = run_after.micros() - bench.now().micros();
        assert!(wait > last_wait);
        last_wait = wait;
        assert_eq!(bench.run(id).await.status, ReconciliationStatus::Queued);
        assert!(jobs.lease(JobKind::ALL, "w").await.unwrap().is_none(), "it is not due yet");
        bench.pass(BACKOFF_MAX);
    }
    let lease = bench.lease(JobKind::Reconcile).await;
    assert_eq!(jobs.fail(&lease, "disk full").await.unwrap(), Failed::Dead);
    let job = jobs.get(bench.workspace, lease.job).await.unwrap().unwrap();
    assert_eq!((job.state, job.last_error.as_deref()), (JobState::Dead, Some("disk full")));
    let run = bench.run(id).await;
    assert_eq!(run.status, ReconciliationStatus::Failed);
    assert_is_neutral(&run.failure.unwrap());
    bench.pass(BACKOFF_MAX);
    assert!(jobs.lease(JobKind::ALL, "w").await.unwrap().is_none());
}

/// What clients read of a job that was given up says nothing of the cause, which is for operators.
fn assert_is_neutral(failure: &Failure) {
    assert_eq!(failure.code, "attempts_exhausted");
    assert!(
        !failure.detail.contains("disk full") && !failure.detail.contains("worker"),
        "{}",
        failure.detail
    );
}

pub(crate) async fn a_job_whose_workers_keep_dying_is_given_up(bench: Bench) {
    let id = bench.ingesting(bench.workspace).await;
    let mut last = None;
    for attempt in 1..=JOB_FAILURES_MAX {
        let lease = bench.lease(JobKind::Ingest).await;
        assert_eq!(lease.attempt, attempt);
        last = Some(lease.job);
        bench.pass(LEASE_DURATION);
    }
    assert!(bench.store.jobs().lease(JobKind::ALL, "w").await.unwrap().is_none());
    let dataset = bench.find_dataset(id).await;
    assert_eq!(dataset.status, DatasetStatus::Rejected);
    assert_is_neutral(&dataset.failure.unwrap());
    let job = bench.store.jobs().get(bench.workspace, last.unwrap()).await.unwrap().unwrap();
    assert!(job.last_error.unwrap().contains("lost"));
}

pub(crate) async fn the_only_worker_takes_up_its_jobs_at_once_after_a_restart(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let before = bench.lease(JobKind::Reconcile).await;
    let bench = bench.restart().await;
    assert!(bench.store.jobs().lease(JobKind::ALL, "w").await.unwrap().is_none());
    let interrupted = bench.store.jobs().interrupt_all().await.unwrap();
    assert_eq!(interrupted, Interrupted { again: 1, given_up: 0 });
    assert_eq!(bench.run(id).await.status, ReconciliationStatus::Queued);
    let after = bench.lease(JobKind::Reconcile).await;
    assert_eq!((after.job, after.attempt), (before.job, 2));
    let job = bench.store.jobs().get(bench.workspace, after.job).await.unwrap().unwrap();
    assert_eq!(job.failures, 1, "the job may be what killed the process");
    assert!(job.last_error.unwrap().contains("killed"));
    let late = bench.store.reconciliations().publish(&before, published()).await;
    assert!(matches!(late, Err(Error::LeaseLost { attempt: 1, .. })));
    bench.store.reconciliations().publish(&after, published()).await.unwrap();
    assert_eq!(bench.run(id).await.status, ReconciliationStatus::Succeeded);
}

pub(crate) async fn a_job_that_keeps_killing_its_process_waits_for_others_and_is_given_up(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let jobs = bench.store.jobs();
    let mut job = None;
    for kill in 1..=JOB_FAILURES_MAX {
        let lease = bench.lease(JobKind::Reconcile).await;
        job = Some(lease.job);
        let interrupted = jobs.interrupt_all().await.unwrap();
        let given_up = usize::from(kill == JOB_FAILURES_MAX);
        assert_eq!(interrupted, Interrupted { again: 1 - given_up, given_up });
        assert!(matches!(jobs.heartbeat(&lease).await, Err(Error::LeaseLost { .. })));
        if kill > 1 {
            assert!(jobs.lease(JobKind::ALL, "w").await.unwrap().is_none(), "it is not due yet");
        }
        bench.pass(BACKOFF_MAX);
    }
    assert!(jobs.lease(JobKind::ALL, "w").await.unwrap().is_none());
    let job = jobs.get(bench.workspace, job.unwrap()).await.unwrap().unwrap();
    assert_eq!((job.state, job.failures), (JobState::Dead, JOB_FAILURES_MAX));
    let run = bench.run(id).await;
    assert_eq!(run.status, ReconciliationStatus::Failed);
    let failure = run.failure.unwrap();
    assert!(failure.detail.contains("ended with the process"), "{}", failure.detail);
    assert_is_neutral(&failure);
}

pub(crate) async fn a_lease_that_was_given_back_before_a_restart_costs_no_failure(bench: Bench) {
    let id = bench.ingesting(bench.workspace).await;
    for _ in 0..=JOB_FAILURES_MAX {
        let lease = bench.lease(JobKind::Ingest).await;
        bench.store.jobs().release(&lease).await.unwrap();
        let interrupted = bench.store.jobs().interrupt_all().await.unwrap();
        assert_eq!(interrupted, Interrupted { again: 0, given_up: 0 });
    }
    assert_eq!(bench.find_dataset(id).await.status, DatasetStatus::Ingesting);
}

pub(crate) async fn a_lease_is_held_until_it_is_given_back_or_lost(bench: Bench) {
    bench.ingesting(bench.workspace).await;
    let jobs = bench.store.jobs();
    let first = bench.lease(JobKind::Ingest).await;
    assert!(jobs.holds(&first).await.unwrap());
    bench.pass(LEASE_DURATION);
    assert!(jobs.holds(&first).await.unwrap(), "it has run out, and nobody else has the job yet");
    let second = bench.lease(JobKind::Ingest).await;
    assert!(!jobs.holds(&first).await.unwrap());
    assert!(jobs.holds(&second).await.unwrap());
    jobs.release(&second).await.unwrap();
    assert!(!jobs.holds(&second).await.unwrap());
}

pub(crate) async fn a_backlog_has_the_jobs_that_are_not_over_and_the_age_of_the_oldest(bench: Bench) {
    let jobs = bench.store.jobs();
    let of = |jobs, oldest_age| JobsInState { jobs, oldest_age };
    let none = of(0, Duration::ZERO);
    assert_eq!(jobs.backlog().await.unwrap(), Backlog { queued: none, running: none });
    bench.ingesting(bench.workspace).await;
    bench.pass(SECOND);
    bench.ingesting(bench.stranger).await;
    bench.pass(SECOND);
    let both = Backlog { queued: of(2, 2 * SECOND), running: none };
    assert_eq!(jobs.backlog().await.unwrap(), both);
    let lease = bench.lease(JobKind::Ingest).await;
    let shared = Backlog { queued: of(1, SECOND), running: of(1, 2 * SECOND) };
    assert_eq!(jobs.backlog().await.unwrap(), shared);
    // It waits for its next attempt, and is not due before.
    jobs.fail(&lease, "disk full").await.unwrap();
    let backing_off = Backlog { queued: of(2, SECOND), running: none };
    assert_eq!(jobs.backlog().await.unwrap(), backing_off);
    let second = bench.lease(JobKind::Ingest).await;
    assert_eq!(
        jobs.backlog().await.unwrap(),
        Backlog { queued: of(1, Duration::ZERO), running: of(1, SECOND) }
    );
    let failure = Failure { code: "not_a_table".to_owned(), detail: "x".to_owned() };
    bench.store.datasets().finish_ingest(&second, IngestResult::Rejected(failure)).await.unwrap();
    assert_eq!(jobs.backlog().await.unwrap(), Backlog { queued: of(1, Duration::ZERO), running: none });
}
