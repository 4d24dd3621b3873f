//! Stopping a reconciliation: before it runs, while it runs, and at the moment of its end.
#![expect(
    clippy::unwrap_used,
    reason = "helpers are functions outside of `#[test]`, and a panic is how they fail"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use recon_testkit::{Call, Folder, Reply, Server, World, demo};
use serde_json::{Value, json};

use crate::support::{
    Both, assert_nothing_is_left, demo_rules, endless_pair, endless_rules, reaches, ready_pair,
};

/// How often a run is met: from its beginning to its end.
const ROUNDS: u32 = 12;
/// How long a cancelled run may keep its worker.
const STOPS_WITHIN: Duration = Duration::from_secs(2);

fn cancel_call(token: &str, id: &str, key: &str) -> Call {
    Call::new("POST", &format!("/v1/reconciliations/{id}/cancel")).bearer(token).key(key)
}

async fn cancel(world: &World, token: &str, id: &str, key: &str) -> Reply {
    world.call(&cancel_call(token, id, key)).await.unwrap()
}

async fn get(world: &World, token: &str, path: &str) -> Value {
    world.call(&Call::new("GET", path).bearer(token)).await.unwrap().expect(200).unwrap()
}

/// Starts a run and returns its id.
async fn run(world: &World, token: &str, key: &str, pair: &[String; 2], rules: &Value) -> String {
    let created = demo::reconcile(world, token, key, (&pair[0], &pair[1]), rules).await.unwrap();
    created["id"].as_str().unwrap().to_owned()
}

/// A server with a worker that has one job at a time.
struct OneLane {
    folder: Folder,
    world: Arc<World>,
    token: String,
    /// Two datasets that are reconciled at once.
    ready: [String; 2],
}

impl OneLane {
    async fn start() -> Self {
        let folder = Folder::new().unwrap();
        let server = Server::start_with(&folder, &[("WORKER_CONCURRENCY", "1")]).await.unwrap();
        let world = Arc::new(World::Server(server));
        let account = demo::add_user(&folder, "a@example.com", "preparer", "w").unwrap();
        let token = demo::sign_in(&world, &account).await.unwrap();
        let ready = ready_pair(&world, &token).await.unwrap();
        Self { folder, world, token, ready }
    }
}

/// Cancels the run in `phase` and returns how long the one worker took to take the next job.
async fn cancelled_in(phase: &str, pair: &[String; 2], rules: &Value, lane: &OneLane) -> Duration {
    let OneLane { folder, world, token, ready } = lane;
    let long = run(world, token, &format!("long-{phase}"), pair, rules).await;
    reaches(world, token, &long, phase).await.unwrap();
    let next = run(world, token, &format!("next-{phase}"), ready, &demo_rules()).await;
    let next_path = format!("/v1/reconciliations/{next}");
    assert_eq!(get(world, token, &next_path).await["status"], "queued", "the only lane is taken");

    // Somebody who waits for the end is told at once.
    let waiting = tokio::spawn({
        let (world, token, path) =
            (world.clone(), token.clone(), format!("/v1/reconciliations/{long}?wait=20"));
        async move { (get(&world, &token, &path).await, Instant::now()) }
    });
    let cancelled = cancel(world, token, &long, &format!("stop-{phase}")).await.expect(202).unwrap();
    let asked = Instant::now();
    assert_eq!((&cancelled["status"], &cancelled["id"]), (&json!("cancelled"), &json!(long)));
    let taken = demo::settled(world, token, &next_path, &["queued"]).await.unwrap();
    let took = asked.elapsed();
    assert_ne!(taken["status"], "queued");
    let (told, told_at) = waiting.await.unwrap();
    assert_eq!(told["status"], "cancelled");
    assert!(told_at.saturating_duration_since(asked) < STOPS_WITHIN);

    assert_nothing_is_left(folder, &long).await;
    let done = demo::finished(world, token, &next).await.unwrap();
    assert_eq!(done["status"], "succeeded", "{done}");
    let stopped = get(world, token, &format!("/v1/reconciliations/{long}")).await;
    assert_eq!(stopped["progress"], json!({ "phase": "done", "done": 1, "total": 1 }));
    assert!(stopped["finished_at"].is_string() && stopped["summary"].is_null() && stopped["error"].is_null());
    for list in ["matches", "breaks"] {
        let path = format!("/v1/reconciliations/{long}/{list}");
        assert_eq!(get(world, token, &path).await, json!({ "items": [], "next_cursor": null }));
    }
    assert_nothing_is_left(folder, &long).await;
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_while_it_matches_stops_at_once_and_leaves_nothing() {
    let lane = OneLane::start().await;
    let pair = endless_pair(&lane.world, &lane.token).await.unwrap();
    let took = cancelled_in("matching", &pair, &endless_rules(), &lane).await;
    assert!(took < STOPS_WITHIN, "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_cancelled_in_any_phase_stops_at_once_and_leaves_nothing() {
    let lane = OneLane::start().await;
    let mut pair = [String::new(), String::new()];
    for (id, side) in pair.iter_mut().zip(["L", "R"]) {
        // No row has a partner: all of them become breaks, which are written in many batches.
        let rows = (0..60_000).map(|n| format!("{side}{n:07},1.00,{}\n", "some words ".repeat(8)));
        let text = format!("ref,amount,note\n{}", rows.collect::<String>());
        *id = demo::upload(&lane.world, &lane.token, side, text.into_bytes()).await.unwrap();
        demo::complete(&lane.world, &lane.token, id).await.unwrap();
        demo::ingested(&lane.world, &lane.token, id).await.unwrap();
    }
    let column = |name: &str, kind: &str| json!({ "left": name, "right": name, "type": kind });
    let rules = json!({
        "default_currency": "EUR",
        "columns": {
            "reference": column("ref", "text"), "amount": column("amount", "decimal"), "note": column("note", "text"),
        },
        "passes": [{ "name": "exact", "equal": ["reference"] }],
    });
    for phase in ["reading", "classifying", "writing"] {
        let took = cancelled_in(phase, &pair, &rules, &lane).await;
        assert!(took < STOPS_WITHIN, "{phase}: {took:?}");
    }
}

/// Starts a long run on each lane of the worker, so that what comes after waits.
async fn take_both_lanes(world: &World, token: &str) -> [String; 2] {
    let endless = endless_pair(world, token).await.unwrap();
    let mut long = [String::new(), String::new()];
    for (id, key) in long.iter_mut().zip(["one", "two"]) {
        *id = run(world, token, key, &endless, &endless_rules()).await;
        reaches(world, token, id, "matching").await.unwrap();
    }
    long
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_run_is_cancelled_in_every_world_and_never_runs() {
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "a@example.com", "preparer", "w").unwrap();
    let viewer = demo::add_user(&both.folder, "v@example.com", "viewer", "w").unwrap();
    let stranger = demo::add_user(&both.folder, "s@example.com", "admin", "other").unwrap();
    let server = &both.worlds[0].1;
    let token = demo::sign_in(server, &account).await.unwrap();
    let foreign = demo::sign_in(server, &stranger).await.unwrap();
    let looking = demo::sign_in(server, &viewer).await.unwrap();
    let ready = ready_pair(server, &token).await.unwrap();
    let long = take_both_lanes(server, &token).await;
    let mut cancelled = Vec::new();
    for (index, (name, world)) in both.worlds.iter().enumerate() {
        let id = run(world, &token, &format!("queued-{index}"), &ready, &demo_rules()).await;
        let path = format!("/v1/reconciliations/{id}");
        let stop = |token: &str, key: &str| cancel_call(token, &id, key);

        let keyless = Call::new("POST", &format!("{path}/cancel")).bearer(&token);
        let refusals = [
            (keyless, 400, "idempotency_key_missing"),
            (stop(&looking, "x"), 403, "forbidden"),
            (stop(&foreign, "x"), 404, "not_found"),
            (stop(&token, "x").json(&json!({ "reason": "late" })), 422, "validation_failed"),
            (
                stop(&token, "x").header("content-type", "text/plain").bytes(b"{}".to_vec()),
                415,
                "unsupported_media_type",
            ),
            (
                Call::new("POST", "/v1/reconciliations/7/cancel").bearer(&token).key("x"),
                400,
                "invalid_parameter",
            ),
        ];
        for (call, status, code) in refusals {
            let problem = world.call(&call).await.unwrap().expect(status).unwrap();
            assert_eq!(problem["code"], code, "{name}");
        }
        assert_eq!(get(world, &token, &path).await["status"], "queued", "{name}");

        // With no body at all, and with an empty document.
        let key = format!("stop-{index}");
        let call = if index == 0 { stop(&token, &key) } else { stop(&token, &key).json(&json!({})) };
        let first = world.call(&call).await.unwrap();
        assert_eq!(first.header("location"), Some(path.as_str()), "{name}");
        let body = first.expect(202).unwrap();
        assert_eq!(body["status"], "cancelled", "{name}");
        assert_eq!(body, get(world, &token, &path).await, "{name}");
        let again = world.call(&call).await.unwrap();
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{name}");
        assert_eq!(again.expect(202).unwrap(), body, "{name}");
        let other = world.call(&stop(&token, "another")).await.unwrap().expect(409).unwrap();
        assert_eq!(other["code"], "already_finished", "{name}");
        cancelled.push(id);
    }
    // A function ends what the server's worker is at.
    for (id, (name, world)) in long.iter().zip(&both.worlds[1..]) {
        let stopped = cancel(world, &token, id, &format!("stop-{id}")).await.expect(202).unwrap();
        assert_eq!(stopped["status"], "cancelled", "{name}");
    }
    // The worker is free: what was cancelled would have been before this one.
    let last = run(server, &token, "last", &ready, &demo_rules()).await;
    assert_eq!(demo::finished(server, &token, &last).await.unwrap()["status"], "succeeded");
    for id in &cancelled {
        let found = get(server, &token, &format!("/v1/reconciliations/{id}")).await;
        assert_eq!(found["status"], "cancelled");
        assert_nothing_is_left(&both.folder, id).await;
    }
    let log = std::fs::read_to_string(both.folder.path().join("server.log")).unwrap();
    let taken = log.matches(r#""kind":"reconcile""#).count();
    assert_eq!(taken, 3, "two long runs and the last one: {log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_moment_of_its_end_a_run_is_published_or_cancelled_and_never_both() {
    let OneLane { folder, world, token, ready } = OneLane::start().await;
    let begun = Instant::now();
    let undisturbed = run(&world, &token, "undisturbed", &ready, &demo_rules()).await;
    demo::finished(&world, &token, &undisturbed).await.unwrap();
    let takes = begun.elapsed();
    let mut outcomes = std::collections::BTreeMap::<String, u32>::new();
    for round in 0..ROUNDS {
        let id = run(&world, &token, &format!("run-{round}"), &ready, &demo_rules()).await;
        let path = format!("/v1/reconciliations/{id}");
        demo::settled(&world, &token, &path, &["queued"]).await.unwrap();
        // Each round asks a little later, so that the end is met from both sides.
        let asked = Instant::now();
        while asked.elapsed() < takes * round / ROUNDS {
            get(&world, &token, &path).await;
        }
        let reply = cancel(&world, &token, &id, &format!("stop-{round}")).await;
        let found = get(&world, &token, &path).await;
        let status = found["status"].as_str().unwrap().to_owned();
        match reply.status {
            202 => assert_eq!((status.as_str(), &found["summary"]), ("cancelled", &Value::Null)),
            _ => {
                assert_eq!(reply.expect(409).unwrap()["code"], "already_finished");
                assert_eq!(status, "succeeded");
                assert!(found["summary"].is_object());
            }
        }
        // The next one waits for the worker, which has taken away what it wrote by then.
        let next = run(&world, &token, &format!("next-{round}"), &ready, &demo_rules()).await;
        assert_eq!(demo::finished(&world, &token, &next).await.unwrap()["status"], "succeeded");
        assert_eq!(get(&world, &token, &path).await, found, "it stays as it ended");
        if status == "cancelled" {
            assert_nothing_is_left(&folder, &id).await;
        } else {
            let breaks = demo::all_items(&world, &token, &format!("{path}/breaks"), 500).await.unwrap();
            assert!(!breaks.is_empty());
        }
        *outcomes.entry(status).or_default() += 1;
    }
    assert!(outcomes.contains_key("cancelled"), "{outcomes:?}");
}
