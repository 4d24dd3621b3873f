//! The payloads for `cargo lambda invoke`: one for each function, and each gets what it is there for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use recon_contract::route::{self, Route};
use recon_testkit::alb::{self, Headers};
use recon_testkit::{Folder, Functions};
use serde_json::{Value, json};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Names in a folder, without what follows the point.
fn names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(folder)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

fn payload(function: &str) -> Value {
    let path = root().join(format!("tests/fixtures/lambda/{function}.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// A store that was seeded for the payloads.
fn seeded() -> Arc<Folder> {
    let folder = Folder::new().unwrap();
    let mut seed = folder.command("examples/seed").unwrap();
    seed.arg(folder.path());
    if Folder::is_postgres().unwrap() {
        let variables = folder.environment();
        seed.arg(&variables.iter().find(|(name, _)| *name == "DATABASE_URL").unwrap().1);
    }
    let output = seed.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Arc::new(folder)
}

#[test]
fn every_function_has_a_payload_and_every_payload_a_function() {
    assert_eq!(names("tests/fixtures/lambda"), names("functions"));
}

#[test]
fn cargo_lambda_sends_each_call_where_the_route_table_says() {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let router = &manifest["workspace"]["metadata"]["lambda"]["watch"]["router"];
    let mut wanted: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for Route { method, path, function, .. } in route::ALL {
        wanted.entry(path).or_default().push(json!({ "method": method.as_str(), "function": function }));
    }
    let found: BTreeMap<String, Vec<Value>> = serde_json::from_value(json!(router)).unwrap();
    for (path, functions) in &wanted {
        let (mut known, mut functions) = (found.get(*path).cloned().unwrap_or_default(), functions.clone());
        for list in [&mut known, &mut functions] {
            list.sort_by_key(Value::to_string);
        }
        let place = "[workspace.metadata.lambda.watch.router] in Cargo.toml";
        assert_eq!(json!(known), json!(functions), "{place} has other functions for {path}");
    }
    assert_eq!(found.len(), wanted.len(), "the router of cargo lambda knows paths that are no route");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_answers_its_payload_as_documented() {
    let folder = seeded();
    let functions = Functions::new(folder, Headers::Single);
    for name in names("functions") {
        let event = payload(&name);
        let answer = functions.invoke(&name, event.clone()).await.unwrap();
        let Some(method) = event["httpMethod"].as_str() else {
            assert!(answer.is_object() && answer["batchItemFailures"] != json!([{}]), "{name}: {answer}");
            continue;
        };
        let path = event["path"].as_str().unwrap();
        assert_eq!(
            alb::rule(method, path).map(|route| route.function),
            Some(name.as_str()),
            "{method} {path}"
        );
        let status = answer["statusCode"].as_u64().unwrap();
        assert!((200..300).contains(&status), "{name}: {answer}");
    }
    let batch = functions.invoke("worker", payload("worker")).await.unwrap();
    assert_eq!(batch, json!({ "batchItemFailures": [] }));
}
