//! kill -9 of `recon serve` or its worker at every step of uploads, ingests and runs: what was acknowledged stays, and
//! there is one result, the one that a run has which nothing disturbs.
//!
//! `cargo xtask chaos pipeline` runs this alone, on SQLite and on PostgreSQL, and shows its table.

mod flow;

use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use recon_testkit::Folder;

use self::flow::Told;

/// Most of a try is waiting for processes, but for the ingests and the run.
const TRIES_AT_ONCE: usize = 3;

/// Where a process may end: in the server, then in the worker.
const POINTS: [&str; 27] = [
    "dataset_create-before-commit",
    "dataset_create-after-commit",
    "dataset_begin_upload-before-commit",
    "dataset_begin_upload-after-commit",
    "upload-staged",
    "dataset_attach_upload-before-commit",
    "dataset_attach_upload-after-commit",
    "dataset_complete-before-commit",
    "dataset_complete-after-commit",
    "reconciliation_create-before-commit",
    "reconciliation_create-after-commit",
    "job_lease-before-commit",
    "job_lease-after-commit",
    "ingest-leased",
    "ingest-read",
    "ingest-stored",
    "dataset_finish_ingest-before-commit",
    "dataset_finish_ingest-after-commit",
    "reconcile-leased",
    "reconciliation_progress-before-commit",
    "reconciliation_progress-after-commit",
    "break_insert-before-commit",
    "break_insert-after-commit",
    "reconcile-between-breaks",
    "reconcile-stored",
    "reconciliation_publish-before-commit",
    "reconciliation_publish-after-commit",
];

#[tokio::test(flavor = "multi_thread")]
async fn wherever_a_process_is_killed_nothing_acknowledged_is_lost_and_one_result_is_published() {
    let undisturbed = flow::through(None).await.unwrap();
    let tries = stream::iter(POINTS).map(async |point| {
        let begun = Instant::now();
        let verdict = match flow::through(Some(point)).await {
            Ok(told) if told == undisturbed => Ok(()),
            Ok(told) => Err(difference(&told, &undisturbed)),
            Err(error) => Err(format!("{error:#}")),
        };
        (point, verdict, begun.elapsed())
    });
    let tries: Vec<_> = tries.buffered(TRIES_AT_ONCE).collect().await;
    print(&tries);
    let failed: Vec<_> =
        tries.into_iter().filter_map(|(point, verdict, _)| Some((point, verdict.err()?))).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

#[expect(clippy::print_stdout, reason = "whoever asks for it sees the table")]
fn print(tries: &[(&str, Result<(), String>, Duration)]) {
    let database = if Folder::is_postgres().unwrap() { "PostgreSQL" } else { "SQLite" };
    println!("{:<40} {:<8} {:>6}", format!("killed, on {database}"), "", "");
    for (point, verdict, took) in tries {
        let word = if verdict.is_ok() { "ok" } else { "FAIL" };
        println!("{point:<40} {word:<8} {:>4.1} s", took.as_secs_f64());
    }
    for (point, reason) in
        tries.iter().filter_map(|(point, verdict, _)| Some((point, verdict.as_ref().err()?)))
    {
        println!("FAIL {point}: {reason}");
    }
}

fn difference(told: &Told, undisturbed: &Told) -> String {
    if told.digest != undisturbed.digest {
        return format!("another digest: {} and not {}", told.digest, undisturbed.digest);
    }
    format!("other breaks: {} and not {}, or not the same", told.breaks.len(), undisturbed.breaks.len())
}
