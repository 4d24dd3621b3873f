//! What was acknowledged is kept, whoever goes away.

use std::sync::Arc;
use std::time::Duration;

use recon_domain::Side;
use recon_store::{BreakFilter, BreakSeek, DatasetStatus, JobKind, ReconciliationStatus, Upload};

use crate::bench::{Bench, a_break, dataset_guard, fresh, published, replayed};

pub(crate) async fn acknowledged_writes_are_there_after_a_restart(bench: Bench) {
    let awaiting = bench.dataset(bench.workspace).await;
    let upload = bench.attach(bench.workspace, awaiting, "aa").await;
    let id = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    let kept = a_break(id, Side::Left, 1, recon_domain::BreakKind::Ambiguous);
    bench.store.breaks().insert(&lease, vec![kept]).await.unwrap();

    let bench = bench.restart().await;
    let found = bench.find_dataset(awaiting).await;
    assert_eq!((found.status, found.upload), (DatasetStatus::AwaitingUpload, Some(upload)));
    assert_eq!(bench.run(id).await.status, ReconciliationStatus::Running);
    let guard = dataset_guard(bench.workspace, &format!("create-{awaiting}"), "/v1/datasets");
    let again = bench.store.datasets().create(bench.workspace, guard, bench.new_dataset("x")).await.unwrap();
    assert_eq!(replayed(again).headers(), [("location".to_owned(), awaiting.to_string())]);
    // The lease outlives the process that holds it no more than the clock allows, but nobody took it: it still holds.
    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    assert_eq!(bench.run(id).await.status, ReconciliationStatus::Succeeded);
}

/// Drops callers at every point that their futures stop at, as a server does when clients go away, while others write on.
pub(crate) async fn callers_that_go_away_lose_no_acknowledged_write(bench: Bench) {
    const CALLERS: usize = 200;
    let bench = Arc::new(bench);
    let (mut acknowledged, mut attached) = (Vec::new(), Vec::new());
    for number in 0..CALLERS {
        let new = bench.new_dataset("gone");
        let guard = dataset_guard(bench.workspace, &format!("gone-{number}"), "/v1/datasets");
        let (datasets, workspace) = (bench.store.datasets(), bench.workspace);
        let caller = tokio::spawn(async move { datasets.create(workspace, guard, new).await });
        for _ in 0..number % 40 {
            tokio::task::yield_now().await;
        }
        caller.abort();
        if let Ok(outcome) = caller.await {
            acknowledged.push(fresh(outcome.unwrap()).id);
        }
        let made = bench.dataset(bench.workspace).await;
        acknowledged.push(made);
        // On PostgreSQL that was one statement, and this is a transaction.
        let upload = Upload::hashed(
            bench.store.datasets().begin_upload(workspace, made).await.unwrap().unwrap(),
            "aa".to_owned(),
            3,
        );
        let datasets = bench.store.datasets();
        let caller = tokio::spawn(async move { datasets.attach_upload(workspace, made, upload).await });
        if number % 10 > 0 {
            tokio::time::sleep(Duration::from_micros(100) * u32::try_from(number % 40).unwrap()).await;
            caller.abort();
        }
        if let Ok(outcome) = caller.await {
            outcome.unwrap().unwrap();
            attached.push(made);
        }
    }
    assert!(acknowledged.len() >= CALLERS && attached.len() >= CALLERS / 10);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(bench.left_in_transactions().await, 0);
    let bench = Arc::into_inner(bench).unwrap().restart().await;
    for id in attached {
        assert!(bench.find_dataset(id).await.upload.is_some(), "the upload of {id} was lost");
    }
    for id in acknowledged {
        assert!(bench.store.datasets().get(bench.workspace, id).await.unwrap().is_some(), "{id} was lost");
    }
}

pub(crate) async fn many_writers_and_readers_do_not_disturb_each_other(bench: Bench) {
    const CALLERS: usize = 40;
    let bench = Arc::new(bench);
    let callers = (0..CALLERS).map(|_| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move {
            let id = bench.dataset(bench.workspace).await;
            bench.attach(bench.workspace, id, "aa").await;
            bench.find_dataset(id).await.upload.unwrap().sha256
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert_eq!(caller.await.unwrap().as_deref(), Some("aa"));
    }
}

pub(crate) async fn a_killed_process_leaves_all_that_was_acknowledged_and_nothing_half_done(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let before = bench.lease(JobKind::Reconcile).await;
    let half = a_break(id, Side::Left, 1, recon_domain::BreakKind::Ambiguous);
    bench.store.breaks().insert(&before, vec![half]).await.unwrap();

    let bench = bench.killed();
    assert_eq!(bench.run(id).await.status, ReconciliationStatus::Running);
    bench.store.jobs().interrupt_all().await.unwrap();
    let lease = bench.lease(JobKind::Reconcile).await;
    assert_eq!((lease.job, lease.attempt), (before.job, 2));
    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    let seek = BreakSeek { after: None, limit: 10 };
    let shown = bench.store.breaks().list(bench.workspace, id, BreakFilter::default(), seek).await;
    assert!(shown.unwrap().unwrap().items.is_empty(), "what the killed attempt wrote is not shown");
}

/// A transaction that only reads is one, too: a caller that goes away in the middle of a page must not leave a connection
/// inside of it, where everybody who gets it next sees the world of then.
pub(crate) async fn callers_that_go_away_in_the_middle_of_a_page_leave_no_connection_behind(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    for number in 0..400 {
        let (breaks, seek) = (bench.store.breaks(), BreakSeek { after: None, limit: 10 });
        let mut page = std::pin::pin!(breaks.list(bench.workspace, id, BreakFilter::default(), seek));
        // Gone at each point that it stops at.
        for _ in 0..number % 8 {
            if futures_util::poll!(page.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    // Every connection writes and reads as if nothing had been.
    for _ in 0..12 {
        let made = bench.dataset(bench.workspace).await;
        let found = (0..8).map(|_| bench.find_dataset(made));
        futures_util::future::join_all(found).await;
    }
    assert_eq!(bench.left_in_transactions().await, 0);
}
