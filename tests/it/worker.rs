//! The worker when things go wrong around it, and the operator's side of the service.
#![expect(
    clippy::unwrap_used,
    reason = "helpers are functions outside of `#[test]`, and a panic is how they fail"
)]

mod surroundings;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use recon_domain::{DatasetId, ReconciliationId, WorkspaceId};
use recon_idempotency::{IdempotencyKey, RETENTION_DEFAULT, Request, Scope, StoredResponse, Unanswered};
use recon_runtime::{Admin, Clock, Environment, GRACE, Ids, Platform, Process, Turn};
use recon_store::{
    BACKOFF_MAX, DatasetSeek, DatasetStatus, Failure, JOB_FAILURES_MAX, JobKind, JobRecord, JobState, Json,
    LEASE_DURATION, NewDataset, NewReconciliation, ReconciliationStatus, Upload,
};
use recon_testkit::alb::Headers;
use recon_testkit::{Call, Folder, Functions, Server, World, demo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::metrics::exposition::scrape;
use crate::program;
use crate::support::{demo_file, demo_rules, printed, recon, said};

/// How long a condition may take before a test gives up on it.
const CONDITION_MAX: Duration = Duration::from_secs(60);

/// Waits until this is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < CONDITION_MAX, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A worker without a process of its own, on a store whose clock stands still.
struct Workshop {
    folder: Arc<Folder>,
    platform: Platform,
    deps: worker::Deps,
    clock: Clock,
    workspace: WorkspaceId,
}

impl Workshop {
    /// On a folder in which nothing was made.
    fn bare() -> Self {
        Self::on(Folder::new().unwrap())
    }

    fn on(folder: Folder) -> Self {
        let variables = folder.environment();
        let variable = |name: &'static str| {
            let found = variables.iter().rev().find(|(known, _)| *known == name);
            (name, found.map_or("", |(_, value)| value.as_str()))
        };
        let names = ["DATABASE_URL", "OBJECT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
        let environment = Environment::of(names.map(variable));
        let clock = Clock::held_at(Clock::system().now());
        let platform = Platform::open_with_clock(&environment, Process::new(), clock.clone()).unwrap();
        let deps = worker::Deps::open(&platform);
        let workspace = WorkspaceId::from_uuid(Ids::random(clock.clone()).next().unwrap());
        Self { folder: Arc::new(folder), platform, deps, clock, workspace }
    }

    async fn open() -> Self {
        Self::bare().migrated().await
    }

    async fn migrated(self) -> Self {
        let workshop = self;
        workshop.platform.store.migrate().await.unwrap();
        let name = "w".parse().unwrap();
        workshop.platform.store.workspaces().ensure(workshop.workspace, &name).await.unwrap();
        workshop
    }

    /// A request with a key that no other has.
    fn request(&self) -> Unanswered {
        let key = self.platform.ids.next().unwrap().to_string();
        let scope = Scope { workspace: self.workspace.uuid(), principal: self.workspace.uuid() };
        let request =
            Request { method: "POST", path: "/", query: "", media_type: "", headers: &[], body: b"" };
        Unanswered::new(scope, IdempotencyKey::parse(key.as_bytes()).unwrap(), &request, RETENTION_DEFAULT)
    }

    /// A dataset whose ingest is queued, and the object that holds its bytes.
    async fn uploaded(&self, bytes: &[u8]) -> (DatasetId, String) {
        let (datasets, workspace) = (self.platform.store.datasets(), self.workspace);
        let new = NewDataset {
            id: DatasetId::from_uuid(self.platform.ids.next().unwrap()),
            name: "bank".to_owned(),
            format: "auto".to_owned(),
            options: Json::of(&serde_json::json!({})).unwrap(),
        };
        let id = new.id;
        let answer = |_: &_| StoredResponse::new(201, Vec::<(String, String)>::new(), Vec::new());
        let _ = datasets.create(workspace, self.request().answering(answer), new).await.unwrap();
        let object = datasets.begin_upload(workspace, id).await.unwrap().unwrap();
        let file = self.folder.path().join("file");
        std::fs::write(&file, bytes).unwrap();
        let written = self.platform.store.objects().put_file(&object, &file).await.unwrap();
        let upload = Upload::hashed(object.clone(), written.sha256, written.bytes);
        datasets.attach_upload(workspace, id, upload).await.unwrap().unwrap();
        let _ = datasets.complete(workspace, id, self.request().answering(answer), None).await.unwrap();
        (id, object)
    }

    /// A dataset that was ingested, and the object that holds its columns.
    async fn ready(&self, bytes: &[u8]) -> (DatasetId, String) {
        let (id, _) = self.uploaded(bytes).await;
        assert_eq!(self.turn().await, Turn::Worked);
        let found = self.platform.store.datasets().get(self.workspace, id).await.unwrap().unwrap();
        assert_eq!(found.status, DatasetStatus::Ready, "{:?}", found.failure);
        (id, found.content.unwrap().object)
    }

    /// A reconciliation of two datasets that is queued.
    async fn queued(&self, left: DatasetId, right: DatasetId) -> ReconciliationId {
        let id = ReconciliationId::from_uuid(self.platform.ids.next().unwrap());
        let rules = Json::of(&demo_rules()).unwrap();
        let new = NewReconciliation { id, name: "march".to_owned(), left, right, rules };
        let answer = |_: &_| StoredResponse::new(202, Vec::<(String, String)>::new(), Vec::new());
        let runs = self.platform.store.reconciliations();
        let _ = runs.create(self.workspace, self.request().answering(answer), new).await.unwrap();
        id
    }

    async fn turn(&self) -> Turn {
        worker::turn(self.deps.clone()).await.unwrap()
    }

    /// Its process was asked to stop as long ago as a job may go on, with ten seconds of the grace left.
    async fn asked_to_stop(&self) {
        tokio::time::pause();
        self.platform.process.stop();
        tokio::time::advance(GRACE - Duration::from_secs(10)).await;
        tokio::time::resume();
    }

    /// The file of an object.
    fn file_of(&self, object: &str) -> std::path::PathBuf {
        self.folder.path().join("objects").join(object)
    }

    /// The job that a worker would take now.
    async fn next_job(&self) -> JobRecord {
        let jobs = self.platform.store.jobs();
        let lease = jobs.lease(JobKind::ALL, "test").await.unwrap().unwrap();
        let job = jobs.get(self.workspace, lease.job).await.unwrap().unwrap();
        jobs.release(&lease).await.unwrap();
        job
    }

    /// The only job after as many attempts as it may fail.
    async fn exhausted(&self) -> JobRecord {
        let job = self.next_job().await;
        for _ in 0..JOB_FAILURES_MAX {
            assert_eq!(self.turn().await, Turn::Worked);
            self.clock.advance(BACKOFF_MAX);
        }
        let job = self.platform.store.jobs().get(self.workspace, job.id).await.unwrap().unwrap();
        assert_eq!(job.state, JobState::Dead);
        job
    }
}

fn assert_is_neutral(failure: &Failure, secret: &str) {
    assert_eq!(failure.code, "attempts_exhausted");
    assert!(!failure.detail.contains(secret), "{}", failure.detail);
}

#[tokio::test]
async fn a_worker_that_is_asked_to_stop_gives_its_job_back_within_the_grace() {
    let workshop = Workshop::open().await;
    let (id, _) = workshop.uploaded(b"a;b\n1;2\n").await;
    workshop.asked_to_stop().await;
    assert_eq!(workshop.turn().await, Turn::Worked);

    let found = workshop.platform.store.datasets().get(workshop.workspace, id).await.unwrap().unwrap();
    assert_eq!(found.status, DatasetStatus::Ingesting);
    let job = workshop.next_job().await;
    assert_eq!((job.attempt, job.failures, job.last_error), (2, 0, None), "given back, and no failure");
}

#[tokio::test]
async fn an_upload_that_is_lost_ends_with_a_neutral_reason_and_its_cause_is_kept_for_operators() {
    let workshop = Workshop::open().await;
    let (id, object) = workshop.uploaded(b"a;b\n1;2\n").await;
    std::fs::remove_file(workshop.file_of(&object)).unwrap();
    let job = workshop.exhausted().await;
    assert!(job.last_error.unwrap().contains(&object));
    let found = workshop.platform.store.datasets().get(workshop.workspace, id).await.unwrap().unwrap();
    assert_eq!(found.status, DatasetStatus::Rejected);
    assert_is_neutral(&found.failure.unwrap(), "object");
}

#[tokio::test]
async fn the_whole_chain_of_causes_is_kept_with_the_job() {
    let workshop = Workshop::open().await;
    let (left, columns) = workshop.ready(&demo_file("bank.csv")).await;
    let (right, _) = workshop.ready(&demo_file("ledger.csv")).await;
    let id = workshop.queued(left, right).await;
    let runs = workshop.platform.store.reconciliations();
    std::fs::write(workshop.file_of(&columns), "no columns any more").unwrap();

    let last_error = workshop.exhausted().await.last_error.unwrap();
    let (error, cause) = last_error.split_once(": ").unwrap();
    assert_eq!(error, "cannot read or write the stored dataset");
    assert!(cause.contains("Parquet"), "{cause}");
    let run = runs.get(workshop.workspace, id).await.unwrap().unwrap();
    assert_eq!(run.status, ReconciliationStatus::Failed);
    assert_is_neutral(&run.failure.unwrap(), "stored");
}

#[tokio::test]
async fn what_becomes_of_a_job_is_counted() {
    let workshop = Workshop::open().await;
    let environment = Environment::of([("HOME", "/nowhere"), ("ADMIN_PORT", "0")]);
    let admin = Admin::start(&environment, &workshop.platform).await.unwrap();
    let address = format!("http://{}/metrics", admin.address().unwrap());
    // Other tests of this process count in the same place, and may add to the numbers.
    let turn_counts = async |series: &str| {
        let before = scrape(&address).await.value(series).unwrap();
        assert_eq!(workshop.turn().await, Turn::Worked);
        assert!(scrape(&address).await.value(series).unwrap() > before, "{series} did not grow");
    };
    workshop.uploaded(b"a;b\n1;2\n").await;
    turn_counts(r#"recon_jobs_finished_total{kind="ingest",outcome="succeeded"}"#).await;
    let (_, object) = workshop.uploaded(b"a;b\n1;2\n").await;
    std::fs::remove_file(workshop.file_of(&object)).unwrap();
    turn_counts(r#"recon_jobs_finished_total{kind="ingest",outcome="failed"}"#).await;
    // Somebody takes it again, and is not heard of any more.
    workshop.clock.advance(BACKOFF_MAX);
    workshop.platform.store.jobs().lease(JobKind::ALL, "lost").await.unwrap().unwrap();
    workshop.clock.advance(LEASE_DURATION);
    turn_counts("recon_lease_takeovers_total").await;
    workshop.uploaded(b"a;b\n1;2\n").await;
    workshop.asked_to_stop().await;
    turn_counts(r#"recon_jobs_finished_total{kind="ingest",outcome="released"}"#).await;
}

#[tokio::test]
async fn a_worker_takes_no_job_before_the_schema_serves_it() {
    let workshop = Workshop::bare();
    assert_eq!(workshop.turn().await, Turn::Waiting);
    workshop.platform.store.migrate().await.unwrap();
    assert_eq!(workshop.turn().await, Turn::Idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_twice_takes_one_job() {
    let workshop = Workshop::open().await;
    for _ in 0..2 {
        workshop.uploaded(b"a;b\n1;2\n").await;
    }
    let functions = Functions::new(workshop.folder.clone(), Headers::Single);
    let left = async |message: &str| {
        let record =
            serde_json::json!({ "messageId": message, "body": "{}", "eventSourceARN": "arn:aws:sqs:::jobs" });
        let again = functions.invoke("worker", serde_json::json!({ "Records": [record] })).await.unwrap();
        assert_eq!(again, serde_json::json!({ "batchItemFailures": [] }));
        let newest = DatasetSeek { before: None, limit: 10 };
        let page = workshop.platform.store.datasets().list(workshop.workspace, newest).await.unwrap();
        page.items.iter().filter(|dataset| dataset.status == DatasetStatus::Ingesting).count()
    };
    assert_eq!([left("a").await, left("a").await, left("b").await, left("b").await], [1, 1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_databases_objects_nothing_is_taken_and_everybody_says_why() {
    let workshop = Workshop::open().await;
    workshop.uploaded(b"a;b\n1;2\n").await;
    let wrong = tempfile::tempdir().unwrap();
    let wrong = format!("file://{}", wrong.path().display());
    let (said, _ended_with_the_test) = start_worker(&workshop.folder, &[("OBJECT_URL", &wrong)]);
    until("the worker's complaint", || said().contains("are not this database's")).await;
    assert_eq!(workshop.next_job().await.failures, 0);

    let mut config = workshop.folder.command("recon").unwrap();
    let config = config.arg("config").env("OBJECT_URL", &wrong).output().unwrap();
    assert_eq!(config.status.code(), Some(1));
    assert!(printed(&config).contains("--adopt-objects"), "{}", printed(&config));

    let server = World::Server(Server::start(&workshop.folder).await.unwrap());
    let ready = Call::new("GET", "/ready");
    server.call(&ready).await.unwrap().expect(200).unwrap();
    std::fs::write(workshop.file_of("installation"), "another").unwrap();
    let mut foreign = None;
    program::until("a server that is not ready", async || {
        foreign = server.call(&ready).await.unwrap().expect(503).ok();
        foreign.is_some()
    })
    .await;
    assert_eq!(foreign.unwrap()["code"], "foreign_objects");
    let account = demo::add_user(&workshop.folder, "a@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(&server, &account).await.unwrap();
    let announced = serde_json::json!({ "name": "bank", "format": "csv", "options": {} });
    let create = Call::new("POST", "/v1/datasets").bearer(&token).key("announced").json(&announced);
    let dataset = server.call(&create).await.unwrap().expect(201).unwrap();
    let path = format!("/v1/datasets/{}/content", dataset["id"].as_str().unwrap());
    let upload = || {
        Call::new("PUT", &path)
            .bearer(&token)
            .header("content-type", "text/csv")
            .bytes(b"a;b\n1;2\n".to_vec())
    };
    let refused = server.call(&upload()).await.unwrap().expect(503).unwrap();
    assert_eq!(refused["code"], "foreign_objects");
    workshop.folder.recon(&["migrate", "--adopt-objects"]).unwrap();
    let is_ready = async || server.call(&ready).await.unwrap().status == 200;
    program::until("a server that is ready again", is_ready).await;
    server.call(&upload()).await.unwrap().expect(204).unwrap();
}

#[test]
fn an_account_is_not_what_makes_a_database_that_hosts_share() {
    if !Folder::is_postgres().unwrap() {
        return;
    }
    let folder = Folder::new().unwrap();
    let add = ["user", "add", "a@example.com", "--role", "viewer", "--workspace", "w"];
    let refused = recon(&folder, &add).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("run `recon migrate`"), "{}", said(&refused));
    folder.recon(&["migrate"]).unwrap();
    folder.recon(&add).unwrap();
}

/// Starts a worker; the closure reads what it said.
fn start_worker(folder: &Folder, variables: &[(&str, &str)]) -> (impl Fn() -> String + use<>, Ended) {
    let path = folder.path().join("worker.log");
    let log = std::fs::File::create(&path).unwrap();
    let mut worker = folder.command("worker").unwrap();
    worker.envs(variables.iter().copied()).stdout(log.try_clone().unwrap()).stderr(log);
    (move || std::fs::read_to_string(&path).unwrap(), Ended(worker.spawn().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_says_once_that_it_waits_for_the_schema_and_then_goes_on() {
    let folder = Folder::new().unwrap();
    let (said, _ended_with_the_test) = start_worker(&folder, &[]);
    until("the worker's complaint", || said().contains("run `recon migrate`")).await;
    folder.recon(&["migrate"]).unwrap();
    until("the worker's turn", || said().contains("takes jobs again")).await;
    assert_eq!(said().matches("run `recon migrate`").count(), 1, "{}", said());
}

/// A process that does not outlive its test.
struct Ended(std::process::Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_ends_after_completion_is_refused_and_leaves_no_object() {
    let folder = Folder::new().unwrap();
    let server = Server::start(&folder).await.unwrap();
    let host = server.address().trim_start_matches("http://").to_owned();
    let world = World::Server(server);
    let account = demo::add_user(&folder, "a@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(&world, &account).await.unwrap();
    let id = demo::upload(&world, &token, "bank", b"a;b\n1;2\n".to_vec()).await.unwrap();

    let uploads = folder.path().join("objects/uploads").join(&id);
    let mut late = tokio::net::TcpStream::connect(&host).await.unwrap();
    let head = format!(
        "PUT /v1/datasets/{id}/content HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: text/csv\r\nContent-Length: 8\r\nConnection: close\r\n\r\na;b\n"
    );
    late.write_all(head.as_bytes()).await.unwrap();
    until("the second upload", || files(&uploads) == 2).await;
    demo::complete(&world, &token, &id).await.unwrap();
    late.write_all(b"3;4\n").await.unwrap();
    let mut answer = String::new();
    late.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 409"), "{answer}");
    assert_eq!(files(&uploads), 1, "the pinned upload alone");
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_objects_that_is_lost_shows() {
    let folder = Folder::new().unwrap();
    let world = World::Server(Server::start_alone(&folder).await.unwrap());
    let ready = Call::new("GET", "/ready");
    assert_eq!(world.call(&ready).await.unwrap().expect(200).unwrap()["checks"]["objects"], "ok");
    std::fs::remove_dir_all(folder.path().join("objects")).unwrap();
    let mut degraded = serde_json::Value::Null;
    program::until("a server that is degraded", async || {
        degraded = world.call(&ready).await.unwrap().expect(200).unwrap();
        degraded["status"] != "ready"
    })
    .await;
    assert_eq!((&degraded["status"], &degraded["checks"]["database"]), (&"degraded".into(), &"ok".into()));
    assert_ne!(degraded["checks"]["objects"], "ok");
    // Nor does a migration make it again, or a process that begins now.
    drop(world);
    folder.recon(&["migrate"]).unwrap();
    let later = program::Program::start(&folder, "serve", &[]);
    program::until("a server that answers", async || later.ready().await.is_some()).await;
    assert_eq!(later.ready().await.unwrap().0, 503);
    assert!(!folder.path().join("objects").exists());
}

#[test]
fn a_workspace_that_cannot_be_called_so_is_refused_before_anything_is_made() {
    let folder = Folder::new().unwrap();
    for name in [" ", "a\u{7}b", &"a".repeat(201)] {
        let add = ["user", "add", "a@example.com", "--role", "viewer", "--workspace", name];
        let output = recon(&folder, &add).unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("not a name for a workspace"), "{}", said(&output));
    }
    assert_eq!(files(folder.path()), 0);
}
