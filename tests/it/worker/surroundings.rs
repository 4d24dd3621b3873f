//! The worker on a disk without room, and with a store that says nothing.

use std::time::Duration;

use recon_idempotency::StoredResponse;
use recon_runtime::Turn;
use recon_store::{DatasetStatus, ReconciliationStatus};
use recon_testkit::{Folder, S3, Way};

use super::{Workshop, start_worker};
use crate::program::until;
use crate::startup::Disk;
use crate::support::{demo_file, skipped};

/// Less than a store is waited for that says nothing.
const AT_ONCE: Duration = Duration::from_secs(6);

/// Rows that take more room than a small disk has, however they are packed.
fn unpackable() -> Vec<u8> {
    const ROWS: u64 = 20_000;
    let mut bytes = b"id;noise\n".to_vec();
    let mut noise = 1_u64;
    for row in 0..ROWS {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend(format!("{row};{noise:016x}{:016x}\n", noise.rotate_left(29) ^ row).bytes());
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_without_room_is_no_fault_of_the_job() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("disk");
    let Some(disk) = Disk::mount(&place) else {
        return skipped("no disk of its own can be mounted");
    };
    let workshop = Workshop::open().await;
    let (id, _) = workshop.uploaded(&unpackable()).await;
    let job = workshop.next_job().await.id;
    let jobs = workshop.platform.store.jobs();
    let (said, _ended_with_the_test) = start_worker(&workshop.folder, &[("TMPDIR", place.to_str().unwrap())]);
    let mut tried = None;
    until("an attempt", async || {
        tried = jobs.get(workshop.workspace, job).await.unwrap().filter(|job| job.last_error.is_some());
        tried.is_some()
    })
    .await;
    let tried = tried.unwrap();
    assert!(tried.last_error.unwrap().contains("No space left on device"), "{}", said());
    assert_eq!(tried.failures, 0, "{}", said());

    disk.mount_again("size=64m");
    let datasets = workshop.platform.store.datasets();
    until("a dataset that is read", async || {
        let found = datasets.get(workshop.workspace, id).await.unwrap().unwrap();
        found.status == DatasetStatus::Ready
    })
    .await;
}

/// A workshop whose objects are in a bucket, and the way to it.
async fn bucketed() -> (Workshop, Way) {
    let s3 = tokio::task::spawn_blocking(|| S3::shared().unwrap()).await.unwrap();
    let (way, bucket) = (Way::to(s3.port()).unwrap(), s3.bucket().unwrap());
    let url = format!("s3://{bucket}/recon?endpoint=http://127.0.0.1:{}", way.port());
    let [key, secret] = S3::CREDENTIALS;
    let folder = Folder::with(&[("OBJECT_URL", &url), key, secret]).unwrap();
    (Workshop::on(folder).migrated().await, way)
}

#[tokio::test]
async fn a_worker_that_downloads_gives_its_job_back_when_it_is_asked_to_stop() {
    let (workshop, way) = bucketed().await;
    workshop.asked_to_stop().await;
    // What the worker stands on is looked at now, and not again for a while.
    assert_eq!(workshop.turn().await, Turn::Idle);
    workshop.uploaded(b"a;b\n1;2\n").await;
    way.silence();
    let turned = tokio::time::timeout(AT_ONCE, workshop.turn()).await;
    assert_eq!(turned.expect("a worker that does not wait for the store"), Turn::Worked);
    let job = workshop.next_job().await;
    assert_eq!((job.attempt, job.failures, job.last_error), (2, 0, None), "given back, and no failure");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_stops_its_download() {
    let (workshop, way) = bucketed().await;
    let (left, _) = workshop.ready(&demo_file("bank.csv")).await;
    let (right, _) = workshop.ready(&demo_file("ledger.csv")).await;
    let id = workshop.queued(left, right).await;
    way.silence();
    let before = way.heard().len();
    let turn = tokio::spawn(worker::turn(workshop.deps.clone()));
    until("a download", async || way.heard().len() > before).await;
    let answer = |_: &_| StoredResponse::new(202, Vec::<(String, String)>::new(), Vec::new());
    let runs = workshop.platform.store.reconciliations();
    let _ = runs.cancel(workshop.workspace, id, workshop.request().answering(answer)).await.unwrap();
    // What clears up afterwards is answered again; what was asked before never is.
    way.open();
    let turned =
        tokio::time::timeout(AT_ONCE, turn).await.expect("a worker that does not wait for the store");
    assert_eq!(turned.unwrap().unwrap(), Turn::Worked);
    let run = runs.get(workshop.workspace, id).await.unwrap().unwrap();
    assert_eq!(run.status, ReconciliationStatus::Cancelled);
}
