//! Processes that start in the wrong surroundings: they say what is wrong and where, and go on when it is mended.
#![expect(
    clippy::unwrap_used,
    reason = "helpers are functions outside of `#[test]`, and a panic is how they fail"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use recon_testkit::{Call, Folder, Postgres, World, demo};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::program::{Program, free_port, until};
use crate::support::{printed, said, skipped};

/// A password that no line may show.
const SECRET: &str = "hunter2";

/// Runs a command that cannot run, with these variables and without those that have no value.
fn run(folder: &Folder, arguments: &[&str], variables: &[(&str, Option<&str>)]) -> Output {
    let mut recon = folder.command("recon").unwrap();
    recon.args(arguments).env("ADMIN_PORT", "0").env("PORT", "0");
    for (name, value) in variables {
        match value {
            Some(value) => recon.env(name, value),
            None => recon.env_remove(name),
        };
    }
    recon.output().unwrap()
}

#[test]
fn what_does_not_read_ends_the_process_and_the_last_line_of_its_log_names_it() {
    let folder = Folder::new().unwrap();
    let away = format!("postgres://app:{SECRET}@127.0.0.1:1/recon");
    let missing = folder.path().join("missing").display().to_string();
    let cases: &[(&str, &str, Option<&str>)] = &[
        ("serve", "PORT", Some("eighty")),
        ("serve", "BIND_ADDRESS", Some("here")),
        ("serve", "ADMIN_PORT", Some("many")),
        ("serve", "PUBLIC_URL", Some("recon.example.com")),
        ("serve", "UPLOAD_BYTES_MAX", Some("lots")),
        ("serve", "DATABASE_POOL_MAX", Some("0")),
        ("serve", "DATABASE_URL", Some("mysql://app:hunter2@db/recon")),
        ("serve", "DATABASE_URL", None),
        ("serve", "OBJECT_URL", Some("ftp://app:hunter2@bucket")),
        ("serve", "OBJECT_URL", None),
        ("serve", "DRAIN_WAIT_SECONDS", Some("26")),
        ("serve", "LOG", Some("recon=loud")),
        ("work", "DATABASE_URL", None),
        ("work", "OBJECT_URL", None),
        ("work", "WORKER_CONCURRENCY", Some("0")),
        ("work", "DRAIN_WAIT_SECONDS", Some("soon")),
        ("sweep", "DATABASE_URL", None),
        ("sweep", "OBJECT_URL", None),
        ("sweep", "RETENTION_DAYS", Some("soon")),
        ("migrate", "DATABASE_URL", None),
        ("migrate", "OBJECT_URL", None),
        ("migrate", "MIGRATE_WAIT_SECONDS", Some("1m")),
    ];
    for (command, name, value) in cases {
        for format in ["text", "json"] {
            // A database that several share is not opened before it is needed.
            // A container's home, where it is given none.
            let mut variables = vec![("LOG_FORMAT", Some(format)), ("HOME", Some("/"))];
            if *command == "work" || *name == "PORT" {
                variables.push(("DATABASE_URL", Some(away.as_str())));
            }
            variables.push((*name, *value));
            let output = run(&folder, &[command], &variables);
            let words = said(&output);
            assert_eq!(output.status.code(), Some(2), "{command} {name} {value:?}: {words}");
            assert_eq!(printed(&output), "", "{command} {name}");
            let last = words.lines().last().unwrap();
            match format {
                "json" => {
                    let line: Value = serde_json::from_str(last).unwrap();
                    assert_eq!(
                        (&line["level"], &line["program"]),
                        (&json!("ERROR"), &json!("recon")),
                        "{line}"
                    );
                    assert!(line["message"].as_str().unwrap().starts_with(name), "{line}");
                }
                _ => assert!(last.starts_with(&format!("recon: {name}")), "{last}"),
            }
            assert!(!words.contains(SECRET), "{words}");
        }
    }
    for (variables, name) in [
        ([("LOG_FORMAT", Some("xml")), ("PORT", Some("0"))], "LOG_FORMAT"),
        ([("DATABASE_URL", None), ("DATABASE_URL_FILE", Some(missing.as_str()))], "DATABASE_URL_FILE"),
    ] {
        let words = said(&run(&folder, &["serve"], &variables));
        assert!(words.lines().last().unwrap().contains(name), "{words}");
    }
}

#[test]
fn what_is_no_text_is_not_taken_for_unset() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Folder::new().unwrap();
    let mut recon = folder.command("recon").unwrap();
    let value = std::ffi::OsStr::from_bytes(b"postgres://app:\xff@db/recon");
    let output = recon.arg("serve").env("DATABASE_URL", value).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("DATABASE_URL: expected sqlite://FILE or postgres://"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_function_that_cannot_start_says_so_in_the_same_way() {
    let folder = Folder::new().unwrap();
    let mut worker = folder.command("worker").unwrap();
    let output = worker.env("WORKER_CONCURRENCY", "0").env("LOG_FORMAT", "json").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line: Value = serde_json::from_str(said(&output).lines().last().unwrap()).unwrap();
    assert!(line["message"].as_str().unwrap().starts_with("WORKER_CONCURRENCY: expected"), "{line}");
}

/// The way to a database, which can be closed.
struct Way {
    port: u16,
    open: Option<tokio::task::JoinHandle<()>>,
}

impl Way {
    fn closed() -> Self {
        Self { port: free_port(), open: None }
    }

    /// The URL of a database on this way, which is on that port otherwise.
    fn to(&self, url: &str, port: u16) -> String {
        url.replace(&format!(":{port}/"), &format!(":{}/", self.port))
    }

    async fn open(&mut self, server: u16) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.open = Some(tokio::spawn(async move {
            // They end with this task.
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                connections.spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        }));
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            open.abort();
        }
    }
}

fn code(ready: &Option<(u16, Value)>) -> Option<(u16, &str)> {
    let word =
        |document: &Value| document["code"].as_str().or(document["status"].as_str()).map(str::to_owned);
    ready.as_ref().map(|(status, document)| {
        let word: &'static str = match word(document).as_deref() {
            Some("unavailable") => "unavailable",
            Some("incompatible_schema") => "incompatible_schema",
            Some("ready") => "ready",
            Some("degraded") => "degraded",
            _ => "?",
        };
        (*status, word)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_at_the_start_is_waited_for() {
    let server = Postgres::shared().unwrap();
    let url = server.database(None).unwrap();
    let mut way = Way::closed();
    let folder = Folder::on(&way.to(&url, server.port())).unwrap();
    let [serve, work] = ["serve", "work"].map(|command| Program::start(&folder, command, &[]));
    let both = async |wanted: (u16, &str)| {
        until(&format!("{wanted:?}"), async || {
            code(&serve.ready().await) == Some(wanted) && code(&work.admin_ready().await) == Some(wanted)
        })
        .await;
    };
    // Never reached: it may be the wrong address, so nobody is sent here. They live, and say what they miss.
    both((503, "unavailable")).await;
    let (_, document) = serve.ready().await.unwrap();
    assert_eq!(document["detail"], "the database did not answer since this process started");
    for program in [&serve, &work] {
        let health = reqwest::get(format!("http://127.0.0.1:{}/health", program.admin_port())).await.unwrap();
        assert_eq!(health.status(), 200);
        assert!(program.log().contains("not ready: the database did not answer"), "{}", program.log());
    }
    let mut migration = Program::start(&folder, "migrate", &[]);
    until("a migration that waits", async || migration.log().contains("waits for the database")).await;
    assert!(migration.ended().is_none());

    way.open(server.port()).await;
    assert!(migration.end().await.success(), "{}", migration.log());
    both((200, "ready")).await;
    assert!(serve.log().contains("ready again"), "{}", serve.log());
    // Reached once: to send requests elsewhere would help nobody.
    way.close();
    both((200, "degraded")).await;
    way.open(server.port()).await;
    both((200, "ready")).await;
    until("a worker that works", async || {
        work.log().contains("takes jobs again") || !work.log().contains("worker waits")
    })
    .await;
}

#[test]
fn a_migration_waits_for_no_longer_than_it_is_told_to() {
    let folder = Folder::on(&format!("postgres://app:{SECRET}@127.0.0.1:{}/recon", free_port())).unwrap();
    let started = Instant::now();
    let output =
        run(&folder, &["migrate"], &[("MIGRATE_WAIT_SECONDS", Some("2")), ("LOG_FORMAT", Some("text"))]);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    let words = said(&output);
    assert_eq!(output.status.code(), Some(2), "{words}");
    let last = words.lines().last().unwrap();
    assert!(last.contains("did not answer within 2 s (MIGRATE_WAIT_SECONDS)"), "{words}");
    assert!(last.contains("postgres://app@127.0.0.1:") && !words.contains(SECRET), "{words}");
}

#[test]
fn a_migration_whose_object_store_is_away_says_so_and_what_is_done() {
    let folder = Folder::on(&Postgres::shared().unwrap().database(None).unwrap()).unwrap();
    let url = format!("s3://books?endpoint=http://127.0.0.1:{}", free_port());
    let variables = [
        ("OBJECT_URL", Some(url.as_str())),
        ("AWS_ACCESS_KEY_ID", Some("test")),
        ("AWS_SECRET_ACCESS_KEY", Some(SECRET)),
        ("MIGRATE_WAIT_SECONDS", Some("1")),
        ("LOG_FORMAT", Some("text")),
    ];
    let output = run(&folder, &["migrate"], &variables);
    let words = said(&output);
    assert_eq!(output.status.code(), Some(2), "{words}");
    let last = words.lines().last().unwrap();
    assert!(last.contains("the object store at OBJECT_URL did not answer within 1 s"), "{words}");
    assert!(last.contains("the schema is at version ") && !last.contains("nothing is migrated"), "{words}");
    assert!(!words.contains(SECRET), "{words}");
}

#[test]
fn objects_that_are_nobodys_are_said_until_they_are_adopted() {
    let folder = Folder::new().unwrap();
    let found = folder.path().join("objects/uploads");
    std::fs::create_dir_all(&found).unwrap();
    std::fs::write(found.join("somebodys"), "bytes").unwrap();
    let words = |arguments: &[&str]| folder.recon(arguments).unwrap();
    for _ in 0..2 {
        let migrated = words(&["migrate"]);
        assert!(migrated.contains("`recon migrate --adopt-objects`"), "{migrated}");
    }
    let config = words(&["config"]);
    assert!(config.contains("not swept; run `recon migrate --adopt-objects`"), "{config}");
    for arguments in [&["migrate", "--adopt-objects"][..], &["migrate"], &["config"]] {
        let adopted = words(arguments);
        assert!(!adopted.contains("--adopt-objects"), "{adopted}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_ends_when_it_is_asked_to() {
    let folder = Folder::on(&format!("postgres://app@127.0.0.1:{}/recon", free_port())).unwrap();
    let mut migration = Program::start(&folder, "migrate", &[]);
    until("a migration that waits", async || migration.log().contains("waits for the database")).await;
    migration.terminate();
    let ended = migration.end().await;
    assert_eq!(ended.code(), Some(2), "{ended}");
    assert!(migration.last_line().contains("asked to stop before"), "{}", migration.log());
}

/// A small disk of its own in a folder, gone with this value.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// None where this process may mount nothing.
    pub(crate) fn mount(place: &Path) -> Option<Self> {
        std::fs::create_dir_all(place).unwrap();
        let disk = Self(place.to_owned());
        disk.try_mount("size=256k").then_some(disk)
    }

    pub(crate) fn mount_again(&self, options: &str) {
        assert!(self.try_mount(&format!("remount,{options}")), "{options}");
    }

    fn try_mount(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&self.0);
        mount.output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Nothing more can be done about one that does not go.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_or_read_only_disk_is_told_and_loses_nothing() {
    const BYTES: usize = 1024 * 1024;
    let folder = Arc::new(Folder::new().unwrap());
    let Some(disk) = Disk::mount(&folder.path().join("objects")) else {
        return skipped("no disk of its own can be mounted");
    };
    folder.recon(&["migrate"]).unwrap();
    let server = Program::start(&folder, "serve", &[]);
    server.until_ready().await;
    let world = World::at(&server.address());
    let account = demo::add_user(&folder, "ann@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(&world, &account).await.unwrap();
    let create = Call::new("POST", "/v1/datasets").bearer(&token).key("k").json(&json!({ "name": "bank" }));
    let dataset = world.call(&create).await.unwrap().expect(201).unwrap();
    let path = format!("/v1/datasets/{}", dataset["id"].as_str().unwrap());
    let mut bytes = b"id;amount\n".to_vec();
    bytes.resize(BYTES, b'1');
    bytes.extend(b";2\n");
    let put = Call::new("PUT", &format!("{path}/content")).bearer(&token).bytes(bytes);

    for (options, because) in [("size=256k", "No space left on device"), ("ro", "Read-only file system")] {
        disk.mount_again(options);
        let refused = world.call(&put).await.unwrap();
        assert_eq!(refused.header("retry-after"), Some("2"));
        let problem = refused.expect(503).unwrap();
        assert_eq!(problem["code"], "unavailable", "{problem}");
        assert!(server.log().contains(because), "{}", server.log());
        disk.mount_again("rw");
        let left = world.call(&Call::new("GET", &path).bearer(&token)).await.unwrap().expect(200).unwrap();
        assert_eq!(left["status"], "awaiting_upload", "{left}");
    }
    disk.mount_again("size=64m");
    world.call(&put).await.unwrap().expect(204).unwrap();
    let done = demo::complete(&world, &token, dataset["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(done["status"], "ingesting", "{done}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_the_database_is_told_and_over_when_there_is_room() {
    let place = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(place.path()) else {
        return skipped("no disk of its own can be mounted");
    };
    disk.mount_again("size=16m");
    let folder = Folder::on(&format!("sqlite://{}", place.path().join("recon.sqlite").display())).unwrap();
    folder.recon(&["migrate"]).unwrap();
    let server = Program::start(&folder, "serve", &[]);
    server.until_ready().await;
    let world = World::at(&server.address());
    let account = demo::add_user(&folder, "ann@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(&world, &account).await.unwrap();
    let create = async |key: &str| {
        let create = Call::new("POST", "/v1/datasets").bearer(&token).key(key).json(&json!({ "name": key }));
        world.call(&create).await.unwrap()
    };
    let filler = place.path().join("filler");
    // Until there is no room for a byte.
    std::fs::write(&filler, vec![0; 32 * 1024 * 1024]).unwrap_err();
    let mut refused = 0;
    for number in 0..40 {
        let reply = create(&format!("key-{number}")).await;
        assert!(matches!(reply.status, 201 | 503), "{} {}", reply.status, server.log());
        refused += usize::from(reply.status == 503);
    }
    assert!(refused > 1, "{refused}");
    std::fs::remove_file(&filler).unwrap();
    for number in 0..40 {
        create(&format!("key-{number}")).await.expect(201).unwrap();
    }
    let made = demo::all_items(&world, &token, "/v1/datasets", 500).await.unwrap();
    assert_eq!(made.len(), 40, "each key once");
}
