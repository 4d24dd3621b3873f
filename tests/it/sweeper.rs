//! The sweeper: on its own, as a function, and beside a server.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

use recon_runtime::{Clock, Environment, Platform, Process};
use recon_testkit::alb::Headers;
use recon_testkit::{Call, Folder, Functions, World, demo};
use serde_json::{Value, json};
use sweeper::{Incomplete, Swept};

use crate::support::{
    Both, assert_nothing_is_left, demo_rules, files_below, only_on_sqlite, ready_pair, recon, said,
};

const DAY: Duration = Duration::from_hours(24);

/// What a schedule sends.
fn schedule() -> Value {
    json!({ "detail-type": "Scheduled Event", "source": "aws.events", "detail": {} })
}

/// An object of a dataset that does not exist, written so long ago.
fn orphan(folder: &Folder, number: u32, ago: Duration) -> PathBuf {
    let dataset = format!("0190b1a2-0000-7000-8000-{number:012}");
    let path = folder.path().join("objects/datasets").join(dataset).join("1.parquet");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "bytes").unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the processes under test have the machine's clock")]
    file.set_modified(SystemTime::now() - ago).unwrap();
    path
}

/// Sweeps as a sweeper would do it so much later.
async fn sweep_after(folder: &Folder, time: Duration, retention_days: &str) -> Swept {
    try_sweep_after(folder, time, retention_days, Process::new()).await.unwrap()
}

async fn try_sweep_after(
    folder: &Folder,
    time: Duration,
    retention_days: &str,
    process: Process,
) -> Result<Swept, Incomplete> {
    let variables = folder.environment();
    let value = |name: &str| &variables.iter().find(|(known, _)| *known == name).unwrap().1;
    let environment = Environment::of([
        ("DATABASE_URL", value("DATABASE_URL")),
        ("OBJECT_URL", value("OBJECT_URL")),
        ("RETENTION_DAYS", retention_days),
    ]);
    let clock = Clock::held_at(Clock::system().now());
    clock.advance(time);
    let platform = Platform::open_with_clock(&environment, process, clock).unwrap();
    let swept = sweeper::sweep(sweeper::Deps::open(&platform, &environment).unwrap()).await;
    platform.store.close().await;
    swept
}

async fn get(world: &World, token: &str, path: &str) -> Value {
    world.call(&Call::new("GET", path).bearer(token)).await.unwrap().json().unwrap()
}

#[test]
fn the_command_says_what_it_removed_and_a_second_one_finds_nothing() {
    let folder = Folder::new().unwrap();
    folder.recon(&["migrate"]).unwrap();
    let (old, young) = (orphan(&folder, 1, 2 * DAY), orphan(&folder, 2, Duration::from_secs(60)));
    let printed = folder.recon(&["sweep"]).unwrap();
    assert_eq!(printed.trim(), "1  objects removed that no record names");
    assert!(!old.exists() && young.exists());
    assert_eq!(folder.recon(&["sweep"]).unwrap().trim(), "nothing to sweep");
    let counts: Value = serde_json::from_str(&folder.recon(&["sweep", "--format", "json"]).unwrap()).unwrap();
    assert_eq!(serde_json::to_value(Swept::default()).unwrap(), counts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_is_asked_to_stop_leaves_the_rest_of_a_backlog_to_the_next() {
    const BACKLOG: u32 = 6_000;
    let folder = Folder::new().unwrap();
    folder.recon(&["migrate"]).unwrap();
    for number in 1..=BACKLOG {
        orphan(&folder, number, 2 * DAY);
    }
    let objects = folder.path().join("objects/datasets");
    let left = || std::fs::read_dir(&objects).map_or(0, Iterator::count);
    let (process, before) = (Process::new(), left());
    // One call of the store takes all of them, if nobody stops it.
    let sweep = try_sweep_after(&folder, Duration::ZERO, "", process.clone());
    let stop = async {
        while left() == before {
            tokio::task::yield_now().await;
        }
        process.stop();
    };
    let (swept, ()) = tokio::join!(sweep, stop);
    let swept = swept.unwrap();
    assert!(swept.more && swept.objects > 0 && left() > 0, "{swept:?}");
    let rest = sweep_after(&folder, Duration::ZERO, "").await;
    assert_eq!((swept.objects + rest.objects, rest.more, left()), (BACKLOG.into(), false, 0));
}

/// Only an administrator could delete below a folder that is not to be written, and tests may run as one: so the files are
/// those of a folder that nobody deletes from.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_that_cannot_remove_something_removes_the_rest_and_is_not_complete() {
    let folder = Folder::new().unwrap();
    folder.recon(&["migrate"]).unwrap();
    let datasets = folder.path().join("objects/datasets");
    std::fs::create_dir_all(&datasets).unwrap();
    let first = datasets.join("0190b1a2-0000-7000-8000-000000000000");
    std::os::unix::fs::symlink("/proc/sys/kernel/random", first).unwrap();
    for _ in 0..2 {
        let old = orphan(&folder, 1, 2 * DAY);
        let failed = try_sweep_after(&folder, 2 * DAY, "", Process::new()).await.unwrap_err();
        assert!(matches!(&failed, Incomplete::Failed(steps) if steps == &["objects"]), "{failed}");
        assert!(!old.exists());
    }
}

#[test]
fn a_sweep_without_a_schema_or_with_a_bad_setting_does_nothing_and_says_why() {
    let folder = Folder::new().unwrap();
    let old = orphan(&folder, 1, 2 * DAY);
    let output = recon(&folder, &["sweep"]).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("run `recon migrate`"), "{}", said(&output));
    folder.recon(&["migrate"]).unwrap();
    let output =
        folder.command("recon").unwrap().arg("sweep").env("RETENTION_DAYS", "soon").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("RETENTION_DAYS"), "{}", said(&output));
    assert!(old.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_function_sweeps_for_each_event_of_its_schedule() {
    let both = Both::start().await.unwrap();
    let World::Functions(functions) = &both.worlds[1].1 else { panic!("the functions come second") };
    for number in 1..=3 {
        let old = orphan(&both.folder, number, 2 * DAY);
        let answer = functions.invoke("sweeper", schedule()).await.unwrap();
        // The server beside it sweeps too.
        assert!(answer["objects"].as_u64().unwrap() <= 1 && !old.exists(), "{answer}");
        assert_eq!((&answer["datasets"], &answer["more"]), (&json!(0), &json!(false)), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_on_a_missing_schema_fails_its_event() {
    let folder = std::sync::Arc::new(Folder::new().unwrap());
    let functions = Functions::new(folder.clone(), Headers::Single);
    let failed = functions.invoke("sweeper", schedule()).await.unwrap_err();
    assert!(format!("{failed:#}").contains("nothing is swept"), "{failed:#}");
}

#[test]
fn a_process_of_its_own_sweeps_once_and_prints_what_it_did() {
    let folder = Folder::new().unwrap();
    folder.recon(&["migrate"]).unwrap();
    let old = orphan(&folder, 1, 2 * DAY);
    let output = folder.command("sweeper").unwrap().output().unwrap();
    assert!(output.status.success() && !old.exists(), "{}", said(&output));
    let line = String::from_utf8(output.stdout).unwrap();
    let counts: Value = serde_json::from_str(line.lines().last().unwrap()).unwrap();
    assert_eq!(counts["objects"], 1, "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_sweeps_now_and_then() {
    if only_on_sqlite("there `recon sweep` does it") {
        return;
    }
    let folder = Folder::new().unwrap();
    // The folder is tied to the database before anything lies in it.
    folder.recon(&["migrate"]).unwrap();
    let log = std::fs::File::create(folder.path().join("server.log")).unwrap();
    let mut server = folder
        .command("recon")
        .unwrap()
        .arg("serve")
        .env("PORT", "0")
        .env("SWEEP_INTERVAL_SECONDS", "1")
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    for number in 1..=2 {
        let old = orphan(&folder, number, 2 * DAY);
        let started = Instant::now();
        while old.exists() {
            assert!(started.elapsed() < Duration::from_secs(60), "the server does not sweep");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
    let lines = std::fs::read_to_string(folder.path().join("server.log")).unwrap();
    assert!(lines.contains("\"swept\"") && lines.contains("\"objects\":1"), "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_never_came_is_rejected_after_a_day_and_its_bytes_go() {
    let both = Both::start().await.unwrap();
    let world = &both.worlds[0].1;
    let owner = demo::add_user(&both.folder, "owner@example.com", "preparer", "one").unwrap();
    let token = demo::sign_in(world, &owner).await.unwrap();
    let id = demo::upload(world, &token, "left", b"id;amount\n1;2,50\n".to_vec()).await.unwrap();
    let bytes = both.folder.path().join("objects/uploads").join(&id);
    assert_eq!(sweep_after(&both.folder, Duration::from_hours(23), "").await.uploads_expired, 0);
    assert_eq!(files_below(&bytes).len(), 1);
    let swept = sweep_after(&both.folder, Duration::from_hours(25), "").await;
    assert_eq!((swept.uploads_expired, swept.objects), (1, 1));
    assert_eq!(files_below(&bytes), Vec::<PathBuf>::new());

    // A day later everybody has to sign in again.
    let token = demo::sign_in(world, &owner).await.unwrap();
    for (name, world) in &both.worlds {
        let dataset = get(world, &token, &format!("/v1/datasets/{id}")).await;
        assert_eq!(dataset["status"], "rejected", "{name}: {dataset}");
        assert_eq!(dataset["error"]["code"], "upload_expired", "{name}: {dataset}");
        assert_eq!(
            (&dataset["upload"], &dataset["sha256"]),
            (&json!(null), &json!(null)),
            "{name}: {dataset}"
        );
        let late =
            Call::new("PUT", &format!("/v1/datasets/{id}/content")).bearer(&token).bytes(b"x".to_vec());
        let problem = world.call(&late).await.unwrap().expect(409).unwrap();
        assert_eq!(problem["code"], "dataset_sealed", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retention_deletes_what_is_old_and_nothing_is_deleted_without_one() {
    let both = Both::start().await.unwrap();
    let world = &both.worlds[0].1;
    let owner = demo::add_user(&both.folder, "owner@example.com", "approver", "one").unwrap();
    let token = demo::sign_in(world, &owner).await.unwrap();
    let pair = ready_pair(world, &token).await.unwrap();
    let created = demo::reconcile(world, &token, "k", (&pair[0], &pair[1]), &demo_rules()).await.unwrap();
    let run = created["id"].as_str().unwrap();
    demo::finished(world, &token, run).await.unwrap();
    let objects = both.folder.path().join("objects");
    let before = files_below(&objects);

    let swept = sweep_after(&both.folder, 1000 * DAY, "").await;
    assert_eq!((swept.reconciliations, swept.datasets, swept.breaks, swept.objects), (0, 0, 0, 0));
    assert_eq!(swept.sessions, 1);
    let swept = sweep_after(&both.folder, 29 * DAY, "30").await;
    assert_eq!((swept.reconciliations, swept.datasets), (0, 0));
    assert_eq!(files_below(&objects), before);
    let token = demo::sign_in(world, &owner).await.unwrap();
    assert_eq!(get(world, &token, &format!("/v1/reconciliations/{run}")).await["status"], "succeeded");

    let swept = sweep_after(&both.folder, 31 * DAY, "30").await;
    assert_eq!((swept.reconciliations, swept.datasets), (1, 2));
    assert_nothing_is_left(&both.folder, run).await;
    assert_eq!(files_below(&objects), [objects.join("installation")], "what says whose they are");
    let token = demo::sign_in(world, &owner).await.unwrap();
    for (name, world) in &both.worlds {
        for path in ["/v1/datasets", "/v1/reconciliations"] {
            assert_eq!(get(world, &token, path).await["items"], json!([]), "{name} {path}");
        }
    }
}
