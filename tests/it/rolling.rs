//! Servers and workers that are stopped and replaced while they are used: nobody notices.
//!
//! nginx stands in front, as the stack of `local/compose.yaml` configures it. It repeats what may be repeated, GET above all,
//! so what it complains about is looked at, too: the servers themselves must give it nothing to repeat but refused connections.
#![expect(
    clippy::unwrap_used,
    reason = "helpers are functions outside of `#[test]`, and a panic is how they fail"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use recon_testkit::{Call, Folder, Nginx, Postgres, World, demo};
use serde_json::json;
use tokio::task::JoinSet;

use crate::program::{Program, free_port, until};
use crate::support::undisturbed;

/// How often each server is replaced.
const ROUNDS: usize = 10;
/// Clients that ask all the time.
const CLIENTS: usize = 6;
/// How long a server that was asked to stop goes on accepting.
const DRAIN_WAIT: (&str, &str) = ("DRAIN_WAIT_SECONDS", "1");
/// How long nginx keeps a connection to a server that it does not use: less than that, as in the stack, so that each is used
/// once more, and its answer closes it, or is closed by nginx.
const PROXY_KEEPS: &str = "keepalive_timeout 500ms;";

/// A folder on a database of its own, migrated.
fn on_postgres() -> Folder {
    let folder = Folder::on(&Postgres::shared().unwrap().database(None).unwrap()).unwrap();
    folder.recon(&["migrate"]).unwrap();
    folder
}

/// nginx as the stack has it, in front of these ports.
fn proxy(ports: [u16; 2]) -> Nginx {
    let stack = Path::new(env!("CARGO_MANIFEST_DIR")).join("../local/compose/nginx.conf");
    let configuration = std::fs::read_to_string(stack).unwrap();
    let [first, second] = ports.map(|port| format!("server 127.0.0.1:{port} "));
    let kept = configuration.lines().map(str::trim).find(|line| line.starts_with("keepalive_timeout"));
    Nginx::start(
        &configuration,
        &[
            ("server backend-1:8080 resolve ", &first),
            ("server backend-2:8080 resolve ", &second),
            // Names are Docker's, and this one asks nobody.
            ("resolver 127.0.0.11", "resolver 127.0.0.1"),
            (kept.unwrap(), PROXY_KEEPS),
            ("worker_processes auto;", "worker_processes 1;"),
        ],
    )
    .unwrap()
}

/// What one client did.
#[derive(Default)]
struct Done {
    requests: usize,
    failed: Vec<String>,
    /// The datasets that it was told it made, by name.
    made: BTreeMap<String, String>,
}

/// Reads and creates until it is told to stop, each create under a key of its own.
async fn use_it(world: Arc<World>, token: String, client: usize, is_over: Arc<AtomicBool>) -> Done {
    let mut done = Done::default();
    while !is_over.load(Ordering::SeqCst) {
        let name = format!("client-{client}-number-{}", done.requests);
        let create =
            Call::new("POST", "/v1/datasets").bearer(&token).key(&name).json(&json!({ "name": name }));
        let read = Call::new("GET", "/v1/datasets?limit=2").bearer(&token);
        for (call, expected) in [(create, 201), (read, 200)] {
            done.requests += 1;
            match world.call(&call).await {
                Ok(reply) if reply.status == expected => {
                    if let Some(id) = reply.json().unwrap()["id"].as_str() {
                        done.made.insert(name.clone(), id.to_owned());
                    }
                }
                Ok(reply) => done.failed.push(format!(
                    "{} {name}: {} {}",
                    call.method,
                    reply.status,
                    String::from_utf8_lossy(&reply.body)
                )),
                Err(error) => done.failed.push(format!("{} {name}: {error:#}", call.method)),
            }
        }
        // As many as the machine answers would only be more of the same.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_fails_while_each_server_is_replaced_ten_times() {
    let folder = on_postgres();
    let account = demo::add_user(&folder, "ann@example.com", "preparer", "w").unwrap();
    let ports = [free_port(), free_port()];
    let start = |port| Program::start_on(&folder, "serve", port, &[DRAIN_WAIT]);
    let mut servers = ports.map(start);
    for server in &servers {
        server.until_ready().await;
    }
    let nginx = proxy(ports);
    let world = Arc::new(World::at(&nginx.address()));
    let token = demo::sign_in(&world, &account).await.unwrap();

    let is_over = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(use_it(world.clone(), token.clone(), client, is_over.clone()));
    }
    for _ in 0..ROUNDS {
        for server in &mut servers {
            server.terminate();
            let ended = server.end().await;
            assert!(ended.success(), "{ended}: {}", server.log());
            assert!(server.last_line().contains("everything was finished"), "{}", server.log());
            *server = start(server.port());
            server.until_ready().await;
        }
    }
    is_over.store(true, Ordering::SeqCst);
    let done = clients.join_all().await;

    let failed: Vec<&String> = done.iter().flat_map(|done| &done.failed).collect();
    let requests: usize = done.iter().map(|done| done.requests).sum();
    assert!(failed.is_empty(), "{} of {requests} requests failed: {failed:#?}", failed.len());
    assert!(requests > 50 * ROUNDS, "{requests} requests are no load");
    for complaint in nginx.complaints().unwrap().lines() {
        assert!(complaint.contains("(111: Connection refused)"), "a server cut what it had: {complaint}");
    }
    // Each create had one effect, and that is the one that its client was told of.
    let listed = demo::all_items(&world, &token, "/v1/datasets", 500).await.unwrap();
    let mut made: Vec<(&str, &str)> =
        listed.iter().map(|item| (item["name"].as_str().unwrap(), item["id"].as_str().unwrap())).collect();
    made.sort_unstable();
    let told = done.iter().flat_map(|done| &done.made).map(|(name, id)| (name.as_str(), id.as_str()));
    let mut told: Vec<(&str, &str)> = told.collect();
    told.sort_unstable();
    assert_eq!(made, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_asked_to_stop_says_so_and_ends_at_once_when_it_is_asked_again() {
    let folder = on_postgres();
    let mut server = Program::start(&folder, "serve", &[("DRAIN_WAIT_SECONDS", "25")]);
    server.until_ready().await;
    server.terminate();
    let draining = |ready: Option<(u16, serde_json::Value)>| {
        ready.is_some_and(|(status, document)| (status, &document["code"]) == (503, &json!("draining")))
    };
    until("a server that drains", async || draining(server.ready().await)).await;
    assert!(draining(server.admin_ready().await));
    // It still answers, and whoever asks learns to go elsewhere.
    let answer = reqwest::get(format!("{}/health", server.address())).await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["connection"]), (200, &"close".parse().unwrap()));
    assert!(server.ended().is_none());
    server.terminate();
    assert_eq!(server.end().await.code(), Some(130));
    assert!(server.last_line().contains("asked to stop again"), "{}", server.log());
}

const ROWS: usize = 20_000;

const RULES: &str = r#"
[columns]
reference = { left = "ref", right = "ref", type = "text" }
amount = { left = "amount", right = "amount", type = "decimal" }
[[passes]]
name = "exact"
equal = ["reference", "amount"]
[[passes]]
name = "near"
equal = ["reference"]
within = [{ column = "amount", absolute = "0.05" }]
"#;

/// One side: every fifth amount of the right one is a little more, every eleventh row is missing there.
fn side(right: bool) -> Vec<u8> {
    let mut text = String::from("ref,amount\n");
    for n in (0..ROWS).filter(|n| !right || n % 11 > 0) {
        let cents = n * 7919 % 1_000_000 + 100 + if right && n % 5 == 0 { 3 } else { 0 };
        text.push_str(&format!("R{n:07},{}.{:02}\n", cents / 100, cents % 100));
    }
    text.into_bytes()
}

/// A server that has two datasets to reconcile, with nobody to do it.
struct Stage {
    folder: Folder,
    world: World,
    token: String,
    pair: [String; 2],
    expected: String,
    _server: Program,
}

impl Stage {
    async fn set() -> Self {
        let folder = on_postgres();
        let expected = undisturbed(&folder, [&side(false), &side(true)], RULES);
        let account = demo::add_user(&folder, "ann@example.com", "preparer", "w").unwrap();
        let server = Program::start(&folder, "serve", &[]);
        server.until_ready().await;
        let mut reader = Program::start(&folder, "work", &[]);
        let world = World::at(&server.address());
        let token = demo::sign_in(&world, &account).await.unwrap();
        let mut pair = [String::new(), String::new()];
        for (id, (name, right)) in pair.iter_mut().zip([("left", false), ("right", true)]) {
            *id = demo::upload(&world, &token, name, side(right)).await.unwrap();
            demo::complete(&world, &token, id).await.unwrap();
            demo::ingested(&world, &token, id).await.unwrap();
        }
        reader.terminate();
        assert!(reader.end().await.success(), "{}", reader.log());
        Self { folder, world, token, pair, expected, _server: server }
    }

    /// Asks for a run, has this worker stopped when it is under way and another one take its place, and gives what the
    /// first one wrote in its log.
    async fn replaced_during_a_run(&self, key: &str, variables: &[(&str, &str)]) -> String {
        let mut worker = Program::start(&self.folder, "work", variables);
        let rules = recon_contract::rules::toml_to_json(RULES).unwrap();
        let pair = (self.pair[0].as_str(), self.pair[1].as_str());
        let created = demo::reconcile(&self.world, &self.token, key, pair, &rules).await.unwrap();
        let path = format!("/v1/reconciliations/{}", created["id"].as_str().unwrap());
        demo::settled(&self.world, &self.token, &path, &["queued"]).await.unwrap();
        worker.terminate();
        let other = Program::start(&self.folder, "work", &[]);
        let done = demo::settled(&self.world, &self.token, &path, &["queued", "running"]).await.unwrap();
        assert_eq!(done["status"], "succeeded", "{done} {} {}", worker.log(), other.log());
        assert_eq!(done["summary"]["digest"], self.expected.as_str(), "{}", other.log());
        let breaks = demo::all_items(&self.world, &self.token, &format!("{path}/breaks"), 500).await.unwrap();
        let broken = ["left", "right"].map(|side| done["summary"][side]["broken"].as_u64().unwrap());
        assert_eq!(u64::try_from(breaks.len()).unwrap(), broken.iter().sum::<u64>(), "each break once");
        let ended = worker.end().await;
        assert!(ended.success(), "{ended}: {}", worker.log());
        worker.log()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_worker_is_replaced_ends_with_the_same_digest() {
    let stage = Stage::set().await;
    // One that can be done within the grace is finished by whoever has it.
    let log = stage.replaced_during_a_run("short", &[]).await;
    assert!(log.contains("job done") && log.contains("everything was finished"), "{log}");
    // One that cannot is given back in time, and the other one has it at once and not after the lease's minute.
    let started = std::time::Instant::now();
    let log = stage.replaced_during_a_run("long", &[("FAILPOINTS", "reconcile-leased=sleep(21000)")]).await;
    assert!(log.contains("job given back") && log.contains("everything was finished"), "{log}");
    assert!(started.elapsed() < Duration::from_secs(50), "{:?}", started.elapsed());
}
