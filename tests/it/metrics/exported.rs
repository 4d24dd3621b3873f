//! What the processes export, held against the list that alerts and dashboards are held against.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use recon_testkit::{Call, Folder, Server, World, demo};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::exposition::{Exposition, scrape, text};
use crate::support::{demo_rules, ready_pair, skipped};

/// Set, the list is written anew instead of compared.
const UPDATE: &str = "UPDATE_METRICS";
/// The list, from this crate.
const LIST: &str = "../infra/monitoring/metrics.txt";
/// What is there once the database has answered: the rest is there at once.
const FROM_THE_DATABASE: [&str; 2] = ["recon_jobs", "recon_jobs_oldest_age_seconds"];
/// How long a condition may take before a test gives up on it.
const CONDITION_MAX: Duration = Duration::from_secs(40);

/// A `recon work` with an admin port, where the database has one.
struct Worker {
    child: Child,
    log: PathBuf,
}

impl Worker {
    fn start(folder: &Folder) -> Self {
        let log = folder.path().join("worker.log");
        let mut command = folder.command("recon").unwrap();
        command.arg("work").env("ADMIN_PORT", "0").stdin(Stdio::null()).stdout(Stdio::null());
        Self { child: command.stderr(std::fs::File::create(&log).unwrap()).spawn().unwrap(), log }
    }

    async fn metrics_address(&self) -> String {
        let said = || {
            let log = std::fs::read_to_string(&self.log).unwrap();
            let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let mut addresses = lines.filter_map(|line| Some(line["address"].as_str()?.to_owned()));
            addresses.find(|address| address.ends_with("/metrics"))
        };
        until("the worker's address", async || said()).await
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Waits until there is something.
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < CONDITION_MAX, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A scrape at which the database has said how many jobs there are; until then all else is there already.
async fn first_scrape(address: &str) -> Exposition {
    let is_waited_for = |line: &String| {
        let (name, _) = line.split_once(' ').unwrap();
        FROM_THE_DATABASE.contains(&name)
    };
    let first: BTreeSet<_> = scrape(address).await.names();
    let known = until("the number of jobs", async || {
        let read = scrape(address).await;
        FROM_THE_DATABASE
            .iter()
            .all(|name| read.value(&format!("{name}{{state=\"queued\"}}")).is_some())
            .then_some(read)
    })
    .await;
    let later = known.names().into_iter().filter(|line| !is_waited_for(line)).collect::<BTreeSet<_>>();
    assert_eq!(first.into_iter().filter(|line| !is_waited_for(line)).collect::<BTreeSet<_>>(), later);
    known
}

fn list() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(LIST)
}

/// Holds what a server exports against the list.
#[track_caller]
fn compare(exported: &BTreeSet<String>) {
    let exported: String = exported.iter().map(|line| format!("{line}\n")).collect();
    #[expect(clippy::disallowed_methods, reason = "this is for the test, not for what it starts")]
    if std::env::var_os(UPDATE).is_some() {
        std::fs::create_dir_all(list().parent().unwrap()).unwrap();
        std::fs::write(list(), &exported).unwrap();
    }
    let listed = std::fs::read_to_string(list()).unwrap_or_default();
    assert!(
        listed == exported,
        "infra/monitoring/metrics.txt is out of date: run this test with {UPDATE}=1 and commit what it writes.\n\
        It says:\n{listed}\nThe server says:\n{exported}"
    );
}

/// What Prometheus' own tool says against it, where that is installed.
fn ask_promtool(text: &str) {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = started else { return skipped("promtool is not installed") };
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "promtool: {said}");
}

/// Signs in, has a pair of files ingested and reconciled, and asks for things that are not there. Returns how many rows were
/// reconciled on the left and on the right.
async fn use_it(folder: &Folder, world: &World) -> [Option<f64>; 2] {
    let account = demo::add_user(folder, "ann@example.com", "preparer", "one").unwrap();
    let token = demo::sign_in(world, &account).await.unwrap();
    let [left, right] = ready_pair(world, &token).await.unwrap();
    let run = demo::reconcile(world, &token, "run", (&left, &right), &demo_rules()).await.unwrap();
    let finished = demo::finished(world, &token, run["id"].as_str().unwrap()).await.unwrap();
    for (method, path, status) in [
        ("GET", "/nowhere", 404),
        ("PATCH", "/health", 405),
        ("BREW", "/v1/datasets", 405),
        ("HEAD", "/health", 200),
        ("GET", "/v1/datasets/%", 400),
    ] {
        world.call(&Call::new(method, path)).await.unwrap().expect(status).unwrap();
    }
    ["left", "right"].map(|side| finished["summary"][side]["rows"].as_f64())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_processes_export_is_what_the_list_says_from_the_first_scrape_on() {
    let folder = Folder::new().unwrap();
    let server = Server::start_alone(&folder).await.unwrap();
    let serving = server.metrics_address(&folder).unwrap();
    let worker = Folder::is_postgres().unwrap().then(|| Worker::start(&folder));
    let working = match &worker {
        Some(worker) => worker.metrics_address().await,
        None => serving.clone(),
    };
    let before = [first_scrape(&serving).await, first_scrape(&working).await];
    let listed = before[0].names();
    compare(&listed);
    if worker.is_some() {
        let of_requests = |line: &&String| !line.starts_with("http_");
        assert_eq!(before[1].names(), listed.iter().filter(of_requests).cloned().collect());
    }

    let world = World::Server(server);
    let rows = use_it(&folder, &world).await;
    let after = [scrape(&serving).await, scrape(&working).await];
    for (before, after) in before.iter().zip(&after) {
        after.grew_from(before).unwrap();
        assert_eq!(before.series(), after.series(), "no series begins with its first event");
    }
    let [served, worked] = &after;
    for (read, series, expected) in [
        (served, r#"http_requests_total{route="/v1/sessions",method="POST",status="2xx"}"#, 1.0),
        (served, r#"http_requests_total{route="/v1/reconciliations",method="POST",status="2xx"}"#, 1.0),
        (
            served,
            r#"http_request_duration_seconds_count{route="/v1/datasets",method="POST",status="2xx"}"#,
            2.0,
        ),
        (served, r#"http_requests_total{route="other",method="GET",status="4xx"}"#, 1.0),
        (served, r#"http_requests_total{route="/health",method="OTHER",status="4xx"}"#, 1.0),
        (served, r#"http_requests_total{route="/v1/datasets",method="OTHER",status="4xx"}"#, 1.0),
        (served, r#"http_requests_total{route="/health",method="GET",status="2xx"}"#, 1.0),
        (served, r#"http_requests_total{route="/v1/datasets/{id}",method="GET",status="4xx"}"#, 1.0),
        (worked, r#"recon_jobs_finished_total{kind="ingest",outcome="succeeded"}"#, 2.0),
        (worked, r#"recon_jobs_finished_total{kind="reconcile",outcome="succeeded"}"#, 1.0),
        (worked, r#"recon_jobs_finished_total{kind="reconcile",outcome="failed"}"#, 0.0),
        (worked, "recon_lease_takeovers_total", 0.0),
        (worked, "recon_jobs_refresh_errors_total", 0.0),
        (served, "http_requests_in_flight", 0.0),
    ] {
        assert_eq!(read.value(series), Some(expected), "{series}");
    }
    let reconciled = ["left", "right"].map(|side| format!("recon_engine_rows_total{{side=\"{side}\"}}"));
    assert_eq!(reconciled.map(|series| worked.value(&series)), rows);
    assert!(rows[0] > Some(0.0) && worked.value("recon_engine_seconds_total").unwrap() > 0.0);
    for address in [&serving, &working] {
        ask_promtool(&text(address).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_leaves_nothing_in_flight() {
    let folder = Folder::new().unwrap();
    let server = Server::start_alone(&folder).await.unwrap();
    let metrics = server.metrics_address(&folder).unwrap();
    let in_flight = async |expected: f64| {
        until("the number of requests in flight", async || {
            (scrape(&metrics).await.value("http_requests_in_flight") == Some(expected)).then_some(())
        })
        .await;
    };
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = TcpStream::connect(("127.0.0.1", server.port().unwrap())).await.unwrap();
        let half = "POST /v1/sessions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 50\r\n\r\n{";
        client.write_all(half.as_bytes()).await.unwrap();
        clients.push(client);
    }
    in_flight(3.0).await;
    drop(clients.pop());
    in_flight(2.0).await;
    drop(clients);
    in_flight(0.0).await;
    let counted = scrape(&metrics).await;
    let route = r#"http_requests_total{route="/v1/sessions",method="POST",status="4xx"}"#;
    assert_eq!(counted.value(route), Some(3.0));
}
