//! What one workspace has, another does not see.

use recon_domain::{Side, UserId};
use recon_store::{BreakFilter, BreakSeek, Error, JobKind, Upload};

use crate::bench::{Bench, a_break, dataset_guard, published, run_guard};

const START: BreakSeek = BreakSeek { after: None, limit: 10 };

pub(crate) async fn every_read_of_another_workspace_finds_nothing(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    let missing = a_break(id, Side::Left, 1, recon_domain::BreakKind::MissingRight);
    bench.store.breaks().insert(&lease, vec![missing]).await.unwrap();
    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    let user = bench.store.users().create(bench.workspace, bench.new_user("a@b")).await.unwrap();
    let run = bench.run(id).await;
    let (store, ours, theirs) = (&bench.store, bench.workspace, bench.stranger);

    assert!(store.datasets().get(ours, run.left).await.unwrap().is_some());
    assert!(store.datasets().get(theirs, run.left).await.unwrap().is_none());
    assert!(store.reconciliations().get(theirs, id).await.unwrap().is_none());
    assert!(store.jobs().get(ours, lease.job).await.unwrap().is_some());
    assert!(store.jobs().get(theirs, lease.job).await.unwrap().is_none());
    assert!(store.users().get(ours, user.id).await.unwrap().is_some());
    assert!(store.users().get(theirs, user.id).await.unwrap().is_none());
    assert!(store.users().get(ours, UserId::from_uuid(bench.next_uuid())).await.unwrap().is_none());
    let all = BreakFilter::default();
    assert_eq!(store.breaks().list(ours, id, all, START).await.unwrap().unwrap().items.len(), 1);
    assert!(store.breaks().list(theirs, id, all, START).await.unwrap().is_none());
}

pub(crate) async fn no_write_reaches_another_workspaces_dataset(bench: Bench) {
    let id = bench.dataset(bench.workspace).await;
    let upload = bench.attach(bench.workspace, id, "aa").await;
    let datasets = bench.store.datasets();
    let other = Upload { sha256: Some("bb".to_owned()), ..upload.clone() };

    assert!(datasets.begin_upload(bench.stranger, id).await.unwrap().is_none());
    assert!(datasets.attach_upload(bench.stranger, id, other).await.unwrap().is_none());
    let guard = dataset_guard(bench.stranger, "k", "/complete");
    assert!(datasets.complete(bench.stranger, id, guard, None).await.unwrap().is_none());
    assert_eq!(bench.find_dataset(id).await.upload, Some(upload));
    assert!(bench.store.jobs().lease(&[JobKind::Ingest], "w").await.unwrap().is_none());
}

pub(crate) async fn a_reconciliation_of_another_workspaces_datasets_is_refused(bench: Bench) {
    let (left, right) = (bench.ready(bench.workspace).await, bench.ready(bench.stranger).await);
    let new = bench.new_run(left, right);
    let guard = run_guard(bench.workspace, "k");
    let refused = bench.store.reconciliations().create(bench.workspace, guard, new).await;
    assert!(matches!(refused, Err(Error::DatasetNotFound { which: Side::Right, id }) if id == right));
}
