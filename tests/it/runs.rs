//! Reconciliations from outside: their list, their progress, their deletion, and runs whose process dies.
#![expect(
    clippy::unwrap_used,
    reason = "helpers are functions outside of `#[test]`, and a panic is how they fail"
)]

use std::collections::BTreeSet;

use recon_store::JOB_FAILURES_MAX;
use recon_testkit::{Call, Folder, Server, World, demo};
use serde_json::{Value, json};

use crate::support::{
    Both, assert_nothing_is_left, demo_rules, endless_pair, endless_rules, only_on_sqlite, reaches,
    ready_pair,
};

async fn get(world: &World, token: &str, path: &str) -> Value {
    world.call(&Call::new("GET", path).bearer(token)).await.unwrap().expect(200).unwrap()
}

async fn delete(world: &World, token: &str, path: &str, status: u16) -> Value {
    world.call(&Call::new("DELETE", path).bearer(token)).await.unwrap().expect(status).unwrap()
}

async fn run(world: &World, token: &str, key: &str, pair: &[String; 2], rules: &Value) -> String {
    let created = demo::reconcile(world, token, key, (&pair[0], &pair[1]), rules).await.unwrap();
    created["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn reconciliations_are_listed_newest_first_in_every_world() {
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "a@example.com", "preparer", "w").unwrap();
    let viewer = demo::add_user(&both.folder, "v@example.com", "viewer", "w").unwrap();
    let stranger = demo::add_user(&both.folder, "s@example.com", "admin", "other").unwrap();
    let server = &both.worlds[0].1;
    let token = demo::sign_in(server, &account).await.unwrap();
    let looking = demo::sign_in(server, &viewer).await.unwrap();
    let foreign = demo::sign_in(server, &stranger).await.unwrap();
    let pair = ready_pair(server, &token).await.unwrap();
    let mut made = Vec::new();
    for number in 0..5 {
        let id = run(server, &token, &format!("k{number}"), &pair, &demo_rules()).await;
        demo::finished(server, &token, &id).await.unwrap();
        made.insert(0, get(server, &token, &format!("/v1/reconciliations/{id}")).await);
    }
    for (name, world) in &both.worlds {
        for limit in [1, 2, 5, 500] {
            let listed = demo::all_items(world, &looking, "/v1/reconciliations", limit).await.unwrap();
            assert_eq!(listed, made, "{name}, pages of {limit}");
        }
        let page = get(world, &token, "/v1/reconciliations?limit=2").await;
        assert_eq!(page["items"], json!(made[..2]), "{name}");
        let cursor = page["next_cursor"].as_str().unwrap();
        let next = get(world, &token, &format!("/v1/reconciliations?limit=2&cursor={cursor}")).await;
        assert_eq!(next["items"], json!(made[2..4]), "{name}");
        let done = demo::all_items(world, &token, "/v1/reconciliations?status=succeeded", 2).await.unwrap();
        assert_eq!(done, made, "{name}");
        let nothing = json!({ "items": [], "next_cursor": null });
        assert_eq!(get(world, &token, "/v1/reconciliations?status=failed").await, nothing, "{name}");
        assert_eq!(get(world, &foreign, "/v1/reconciliations").await, nothing, "{name}");
        let foreign_cursor = format!("/v1/reconciliations?cursor={cursor}");
        assert_eq!(get(world, &foreign, &foreign_cursor).await, nothing, "{name}: a cursor widens nothing");
        for (query, code, pointer) in [
            ("status=done", "invalid_parameter", Some("/status")),
            ("limit=0", "invalid_parameter", Some("/limit")),
            ("state=queued", "invalid_parameter", Some("/state")),
            ("cursor=x", "invalid_cursor", None),
        ] {
            let call = Call::new("GET", &format!("/v1/reconciliations?{query}")).bearer(&token);
            let problem = world.call(&call).await.unwrap().expect(400).unwrap();
            assert_eq!(problem["code"], code, "{name} {query}");
            let found = problem["errors"].get(0).map(|error| error["pointer"].as_str().unwrap());
            assert_eq!(found, pointer, "{name} {query}");
        }
        let nobody = world.call(&Call::new("GET", "/v1/reconciliations")).await.unwrap();
        assert_eq!(nobody.status, 401, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_reconciliation_leaves_nothing_in_any_world() {
    let both = Both::start().await.unwrap();
    let approver = demo::add_user(&both.folder, "a@example.com", "approver", "w").unwrap();
    let preparer = demo::add_user(&both.folder, "p@example.com", "preparer", "w").unwrap();
    let stranger = demo::add_user(&both.folder, "s@example.com", "admin", "other").unwrap();
    let server = &both.worlds[0].1;
    let token = demo::sign_in(server, &approver).await.unwrap();
    let working = demo::sign_in(server, &preparer).await.unwrap();
    let foreign = demo::sign_in(server, &stranger).await.unwrap();
    let pair = ready_pair(server, &token).await.unwrap();
    let stays = run(server, &token, "stays", &pair, &demo_rules()).await;
    let stays = demo::finished(server, &token, &stays).await.unwrap();

    for (index, (name, world)) in both.worlds.iter().enumerate() {
        let key = format!("goes-{index}");
        let id = run(world, &token, &key, &pair, &demo_rules()).await;
        let path = format!("/v1/reconciliations/{id}");
        assert_eq!(demo::finished(world, &token, &id).await.unwrap()["status"], "succeeded", "{name}");
        let breaks = demo::all_items(world, &token, &format!("{path}/breaks"), 500).await.unwrap();
        assert!(!breaks.is_empty(), "{name}");
        let objects = both.folder.path().join("objects/reconciliations").join(&id);
        assert!(objects.is_dir(), "{name}");

        assert_eq!(delete(world, &working, &path, 403).await["code"], "forbidden", "{name}");
        assert_eq!(delete(world, &foreign, &path, 404).await["code"], "not_found", "{name}");
        assert_eq!(
            delete(world, &token, "/v1/reconciliations/7", 400).await["code"],
            "invalid_parameter",
            "{name}"
        );
        assert_eq!(delete(world, &token, &path, 204).await, Value::Null, "{name}");
        assert!(!objects.exists(), "{name}");
        assert_nothing_is_left(&both.folder, &id).await;
        assert_eq!(delete(world, &token, &path, 404).await["code"], "not_found", "{name}");
        for rest in ["", "/matches", "/breaks"] {
            let gone = Call::new("GET", &format!("{path}{rest}")).bearer(&token);
            assert_eq!(world.call(&gone).await.unwrap().status, 404, "{name} {rest}");
        }
        let left = demo::all_items(world, &token, "/v1/reconciliations", 500).await.unwrap();
        assert_eq!(left, std::slice::from_ref(&stays), "{name}");
        // The request that made it is answered as before, and makes nothing.
        assert_eq!(run(world, &token, &key, &pair, &demo_rules()).await, id, "{name}");
        assert_eq!(world.call(&Call::new("GET", &path).bearer(&token)).await.unwrap().status, 404, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_must_end_before_it_is_deleted_and_then_its_datasets_are_free() {
    let both = Both::start().await.unwrap();
    let approver = demo::add_user(&both.folder, "a@example.com", "approver", "w").unwrap();
    let server = &both.worlds[0].1;
    let token = demo::sign_in(server, &approver).await.unwrap();
    let pair = endless_pair(server, &token).await.unwrap();
    let id = run(server, &token, "long", &pair, &endless_rules()).await;
    let path = format!("/v1/reconciliations/{id}");
    reaches(server, &token, &id, "matching").await.unwrap();
    let datasets = pair.clone().map(|dataset| format!("/v1/datasets/{dataset}"));
    for (name, world) in &both.worlds {
        assert_eq!(delete(world, &token, &path, 409).await["code"], "reconciliation_running", "{name}");
        assert_eq!(delete(world, &token, &datasets[0], 409).await["code"], "dataset_in_use", "{name}");
    }
    let cancel = Call::new("POST", &format!("{path}/cancel")).bearer(&token).key("stop");
    server.call(&cancel).await.unwrap().expect(202).unwrap();
    // At once, while the worker may not know of it yet.
    delete(server, &token, &path, 204).await;
    for dataset in &datasets {
        delete(server, &token, dataset, 204).await;
    }
    // Whatever the worker still did is gone when it is free again.
    let ready = ready_pair(server, &token).await.unwrap();
    for key in ["one", "two"] {
        let next = run(server, &token, key, &ready, &demo_rules()).await;
        assert_eq!(demo::finished(server, &token, &next).await.unwrap()["status"], "succeeded");
    }
    assert_nothing_is_left(&both.folder, &id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_process_is_killed_again_and_again_fails_with_a_reason() {
    if only_on_sqlite("there the jobs of a killed worker wait for the end of their leases") {
        return;
    }
    let folder = Folder::new().unwrap();
    let mut world = World::Server(Server::start(&folder).await.unwrap());
    let account = demo::add_user(&folder, "a@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(&world, &account).await.unwrap();
    let ready = ready_pair(&world, &token).await.unwrap();
    let pair = endless_pair(&world, &token).await.unwrap();
    let id = run(&world, &token, "long", &pair, &endless_rules()).await;
    let path = format!("/v1/reconciliations/{id}");
    for _ in 0..JOB_FAILURES_MAX {
        let taken = demo::settled(&world, &token, &path, &["queued"]).await.unwrap();
        assert_eq!(taken["status"], "running");
        let World::Server(server) = world else { unreachable!("only servers are killed here") };
        server.kill().unwrap();
        world = World::Server(Server::start(&folder).await.unwrap());
    }
    let failed = get(&world, &token, &path).await;
    assert_eq!(
        (&failed["status"], &failed["error"]["code"]),
        (&json!("failed"), &json!("attempts_exhausted"))
    );
    let detail = failed["error"]["detail"].as_str().unwrap();
    assert!(detail.contains("ended with the process"), "{detail}");
    let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap();
    assert!(log.contains("jobs whose process was killed too often are given up"), "{log}");
    let next = run(&world, &token, "next", &ready, &demo_rules()).await;
    assert_eq!(demo::finished(&world, &token, &next).await.unwrap()["status"], "succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_counts_up_within_each_phase_and_phases_follow_each_other() {
    const ROWS: u64 = 40_000;
    let folder = Folder::new().unwrap();
    let world = World::Server(Server::start(&folder).await.unwrap());
    let account = demo::add_user(&folder, "a@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(&world, &account).await.unwrap();
    let mut pair = [String::new(), String::new()];
    for (id, side) in pair.iter_mut().zip(["left", "right"]) {
        // Every second row has a partner.
        let row =
            |n: u64| format!("{}{n:06},{}.00\n", if n.is_multiple_of(2) { "both" } else { side }, n % 97 + 1);
        let text = format!("ref,amount\n{}", (0..ROWS).map(row).collect::<String>());
        *id = demo::upload(&world, &token, side, text.into_bytes()).await.unwrap();
        demo::complete(&world, &token, id).await.unwrap();
        demo::ingested(&world, &token, id).await.unwrap();
    }
    let column = |name: &str, kind: &str| json!({ "left": name, "right": name, "type": kind });
    let rules = json!({
        "default_currency": "EUR",
        "columns": { "reference": column("ref", "text"), "amount": column("amount", "decimal") },
        "passes": [{ "name": "exact", "equal": ["reference", "amount"] }],
    });
    let id = run(&world, &token, "k", &pair, &rules).await;
    let path = format!("/v1/reconciliations/{id}");
    let mut seen = vec![get(&world, &token, &path).await];
    while !["succeeded", "failed"].contains(&seen[seen.len() - 1]["status"].as_str().unwrap()) {
        seen.push(get(&world, &token, &path).await);
    }
    let summary = &seen[seen.len() - 1]["summary"];
    let number = |value: &Value| value.as_u64().unwrap();
    let matches = number(&summary["by_pass"][0]["confirmed"]);
    assert_eq!(matches, ROWS / 2);
    let phases = ["queued", "reading", "matching", "classifying", "writing", "done"];
    let (mut before, mut shown) = ((0, 0), BTreeSet::new());
    for run in &seen {
        let progress = &run["progress"];
        let phase = phases.iter().position(|phase| progress["phase"] == *phase).unwrap();
        let (done, total) = (number(&progress["done"]), number(&progress["total"]));
        assert!((phase, done) >= before, "{progress} after {before:?}");
        assert!(done <= total, "{progress}");
        let expected = match phases[phase] {
            "reading" => 2 * ROWS,
            "matching" => 1,
            "classifying" => ROWS,
            "writing" => matches + ROWS,
            "done" => 1,
            _ => 0,
        };
        // Nothing is known of a phase before its first step is told.
        assert!(total == expected || (done, total) == (0, 0), "{progress}, expected {expected}");
        before = (phase, done);
        shown.insert(phases[phase]);
    }
    assert!(shown.len() >= 4, "{shown:?}");
}
