//! Malformed requests: a 4xx problem that says what and where, the same in both worlds.

use recon_testkit::{Call, World, demo};
use serde_json::{Value, json};

use crate::support::{Both, demo_rules};

/// A request and the problem it must get: status, code, and a pointer in `errors` if there is one.
struct Case {
    name: &'static str,
    call: Call,
    status: u16,
    code: &'static str,
    pointer: Option<&'static str>,
}

fn case(
    name: &'static str,
    call: Call,
    status: u16,
    code: &'static str,
    pointer: Option<&'static str>,
) -> Case {
    Case { name, call, status, code, pointer }
}

/// A well-formed UUID that names nothing.
const MISSING: &str = "0190b1a2-0000-7000-8000-000000000000";

fn cases(token: &str, dataset: &str) -> Vec<Case> {
    [access(), keys(token), bodies(token), states(token, dataset), parameters(token)]
        .into_iter()
        .flatten()
        .collect()
}

fn post(token: &str, path: &str) -> Call {
    Call::new("POST", path).bearer(token)
}

fn get(token: &str, path: &str) -> Call {
    Call::new("GET", path).bearer(token)
}

fn new_dataset() -> Value {
    json!({ "name": "x", "format": "csv", "options": {} })
}

fn access() -> Vec<Case> {
    let dataset = || Call::new("GET", &format!("/v1/datasets/{MISSING}"));
    let sign_in = Call::new("POST", "/v1/sessions").json(&json!({ "email": "a" }));
    vec![
        case("no token", dataset(), 401, "unauthenticated", None),
        case("forged token", dataset().bearer("0123456789abcdef.forged"), 401, "unauthenticated", None),
        case("sign-in without password", sign_in, 422, "validation_failed", Some("")),
    ]
}

fn keys(token: &str) -> Vec<Case> {
    let create = || post(token, "/v1/datasets").json(&new_dataset());
    vec![
        case("no key", create(), 400, "idempotency_key_missing", None),
        case("bad key", create().key("a b"), 400, "idempotency_key_invalid", None),
    ]
}

fn bodies(token: &str) -> Vec<Case> {
    let create = || post(token, "/v1/datasets").key("k1");
    let with = |field: &str, value: Value| {
        let mut body = new_dataset();
        body[field] = value;
        create().json(&body)
    };
    let half = create().header("content-type", "application/json").bytes(b"{".to_vec());
    let twice =
        create().header("content-type", "application/json").bytes(br#"{"name":"x","name":"y"}"#.to_vec());
    let option = with("options", json!({ "delimiter": "ab" }));
    vec![
        case("no JSON", half, 400, "malformed_body", None),
        case("a field twice", twice, 400, "malformed_body", Some("/name")),
        case("no type", create().bytes(b"{}".to_vec()), 415, "unsupported_media_type", None),
        case("unknown field", with("colour", json!(1)), 422, "validation_failed", Some("/colour")),
        case("wrong type", with("name", json!(7)), 422, "validation_failed", Some("/name")),
        case("bad option", option, 422, "validation_failed", Some("/options/delimiter")),
    ]
}

fn states(token: &str, dataset: &str) -> Vec<Case> {
    let run = |rules: Value| {
        let body = json!({ "name": "x", "left": dataset, "right": dataset, "rules": rules });
        post(token, "/v1/reconciliations").key("k1").json(&body)
    };
    let complete = post(token, &format!("/v1/datasets/{dataset}/complete")).key("k1");
    let complete = complete.json(&json!({ "sha256": null }));
    vec![
        case("complete without upload", complete, 409, "content_missing", None),
        case("rules are none", run(json!({})), 422, "validation_failed", Some("/rules")),
        case("dataset not ready", run(demo_rules()), 409, "dataset_not_ready", None),
    ]
}

fn parameters(token: &str) -> Vec<Case> {
    let of_run = |rest: &str| get(token, &format!("/v1/reconciliations/{MISSING}{rest}"));
    vec![
        case("id is none", get(token, "/v1/datasets/7"), 400, "invalid_parameter", None),
        case("unknown id", get(token, &format!("/v1/datasets/{MISSING}")), 404, "not_found", None),
        case("bad wait", of_run("?wait=soon"), 400, "invalid_parameter", None),
        case("unknown parameter", of_run("/breaks?colour=red"), 400, "invalid_parameter", None),
        case("bad cursor", of_run("/breaks?cursor=x"), 400, "invalid_cursor", None),
        case("bad limit", of_run("/matches?limit=501"), 400, "invalid_parameter", None),
    ]
}

async fn check(world: &str, on: &World, case: &Case) -> Value {
    let reply = on.call(&case.call).await.unwrap_or_else(|error| panic!("{world} {}: {error:#}", case.name));
    let body = String::from_utf8_lossy(&reply.body).into_owned();
    assert_eq!(reply.status, case.status, "{world} {}: {body}", case.name);
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{world} {}", case.name);
    let mut problem = reply.json().unwrap();
    assert_eq!(problem["code"], case.code, "{world} {}: {body}", case.name);
    assert_eq!(problem["status"], case.status, "{world} {}: {body}", case.name);
    assert!(problem["request_id"].is_string(), "{world} {}: {body}", case.name);
    if let Some(pointer) = case.pointer {
        let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("{world} {}: {body}", case.name));
        assert!(errors.iter().any(|error| error["pointer"] == pointer), "{world} {}: {body}", case.name);
    }
    problem["request_id"] = Value::Null;
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_the_same_problem_in_both_worlds() {
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "a@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(&both.worlds[0].1, &account).await.unwrap();
    let create = Call::new("POST", "/v1/datasets")
        .bearer(&token)
        .key("d")
        .json(&json!({ "name": "d", "format": "auto", "options": {} }));
    let dataset = both.worlds[0].1.call(&create).await.unwrap().expect(201).unwrap();
    for case in cases(&token, dataset["id"].as_str().unwrap()) {
        let mut problems = Vec::new();
        for (name, world) in &both.worlds {
            problems.push(check(name, world, &case).await);
        }
        assert!(problems.iter().all(|problem| *problem == problems[0]), "{}: {problems:?}", case.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_are_not_there_are_problems_too() {
    let both = Both::start().await.unwrap();
    let server = &both.worlds[0].1;
    let lost = server.call(&Call::new("GET", "/v1/nothing")).await.unwrap();
    assert_eq!(lost.expect(404).unwrap()["code"], "not_found");
    let wrong = server.call(&Call::new("PATCH", "/v1/sessions")).await.unwrap();
    let mut allowed: Vec<_> = wrong.header("allow").unwrap().split([',', ' ']).collect();
    allowed.sort_unstable();
    allowed.retain(|method| !method.is_empty());
    assert_eq!(allowed, ["DELETE", "GET", "HEAD", "POST"]);
    assert_eq!(wrong.expect(405).unwrap()["code"], "method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_table_is_rejected_with_the_reason() {
    let both = Both::start().await.unwrap();
    let world = &both.worlds[0].1;
    let account = demo::add_user(&both.folder, "a@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(world, &account).await.unwrap();
    for (name, bytes) in [("empty", Vec::new()), ("binary", vec![0, 159, 146, 150, 0, 1, 2, 255, 0, 0])] {
        let id = demo::upload(world, &token, name, bytes).await.unwrap();
        demo::complete(world, &token, &id).await.unwrap();
        let dataset = demo::ingested(world, &token, &id).await.unwrap();
        assert_eq!(dataset["status"], "rejected", "{name}: {dataset}");
        assert!(!dataset["error"]["detail"].as_str().unwrap().is_empty(), "{name}: {dataset}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_name_a_column_the_dataset_lacks_point_at_it() {
    let both = Both::start().await.unwrap();
    let world = &both.worlds[0].1;
    let account = demo::add_user(&both.folder, "a@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(world, &account).await.unwrap();
    let csv = b"id,amount\n1,2.50\n2,3.50\n".to_vec();
    let id = demo::upload(world, &token, "d", csv).await.unwrap();
    demo::complete(world, &token, &id).await.unwrap();
    demo::ingested(world, &token, &id).await.unwrap();
    let rules = json!({
        "columns": { "amount": { "left": "amuont", "right": "amount", "type": "decimal" } },
        "passes": [{ "name": "exact", "equal": ["amount"] }],
    });
    let call = Call::new("POST", "/v1/reconciliations")
        .bearer(&token)
        .key("k")
        .json(&json!({ "name": "x", "left": id, "right": id, "rules": rules }));
    let problem = world.call(&call).await.unwrap().expect(422).unwrap();
    let error = &problem["errors"][0];
    assert_eq!(error["pointer"], "/rules/columns/amount/left", "{problem}");
    assert!(error["detail"].as_str().unwrap().contains("`amount`"), "{problem}");
}
