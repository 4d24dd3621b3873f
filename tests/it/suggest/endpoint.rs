//! `POST /v1/rules/suggest`.

use recon_testkit::{Call, demo};
use serde_json::{Value, json};

use crate::support::{Both, demo_file, demo_rules, ready_pair};

/// A well-formed UUID that names nothing.
const MISSING: &str = "0190b1a2-0000-7000-8000-000000000000";

fn ask(token: &str, body: &Value) -> Call {
    Call::new("POST", "/v1/rules/suggest").bearer(token).json(body)
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_suggested_and_tried_without_a_key() {
    let both = Both::start().await.unwrap();
    let preparer = demo::add_user(&both.folder, "p@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(&both.worlds[0].1, &preparer).await.unwrap();
    let [left, right] = ready_pair(&both.worlds[0].1, &token).await.unwrap();
    let body = json!({ "left": left, "right": right });
    let mut first = None;
    for (name, world) in &both.worlds {
        let found = world.call(&ask(&token, &body)).await.unwrap().expect(200).unwrap();
        assert_eq!(found["rules"]["columns"]["amount"]["left"], "Betrag", "{name}");
        assert_eq!(found["sample"]["complete"], true, "{name}");
        let expected = found["expected"].as_array().unwrap();
        let matched: u64 = expected.iter().map(|pass| pass["left_matched"].as_u64().unwrap()).sum();
        assert!(matched > 300, "{name} {expected:?}");
        assert!(
            found["evidence"].as_array().unwrap().iter().any(|told| told["subject"] == "/columns/amount")
        );
        assert_eq!(*first.get_or_insert_with(|| found.clone()), found, "{name} tells the same");

        let given = json!({ "left": left, "right": right, "rules": demo_rules() });
        let tried = world.call(&ask(&token, &given)).await.unwrap().expect(200).unwrap();
        assert_eq!((&tried["rules"], &tried["questions"]), (&demo_rules(), &json!([])), "{name}");
        let passes = tried["expected"].as_array().unwrap();
        assert_eq!(passes.len(), demo_rules()["passes"].as_array().unwrap().len(), "{name}");
        assert_eq!(passes[0]["left_matched"], 198, "{name}");
    }
    // What was suggested is taken by a reconciliation as it is.
    let (world, rules) = (&both.worlds[0].1, &first.unwrap()["rules"]);
    let created = demo::reconcile(world, &token, "suggested", (&left, &right), rules).await.unwrap();
    let run = demo::finished(world, &token, created["id"].as_str().unwrap()).await.unwrap();
    assert_eq!(run["status"], "succeeded", "{run}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_looked_at_is_refused() {
    let both = Both::start().await.unwrap();
    let owner = demo::add_user(&both.folder, "p@example.com", "preparer", "one").unwrap();
    let viewer = demo::add_user(&both.folder, "v@example.com", "viewer", "one").unwrap();
    let stranger = demo::add_user(&both.folder, "s@example.com", "admin", "two").unwrap();
    let world = &both.worlds[0].1;
    let token = demo::sign_in(world, &owner).await.unwrap();
    let [left, right] = ready_pair(world, &token).await.unwrap();
    let unread = demo::upload(world, &token, "unread", demo_file("bank.csv")).await.unwrap();
    let mut unknown_column = demo_rules();
    unknown_column["columns"]["amount"]["left"] = json!("Betrga");

    for (name, world) in &both.worlds {
        let (viewer, foreign) =
            (demo::sign_in(world, &viewer).await.unwrap(), demo::sign_in(world, &stranger).await.unwrap());
        let pair = |left: &str, right: &str| json!({ "left": left, "right": right });
        let mut given = pair(&left, &right);
        given["rules"] = unknown_column.clone();
        for (call, status, code, pointer) in [
            (ask(&viewer, &pair(&left, &right)), 403, "forbidden", None),
            (ask(&foreign, &pair(&left, &right)), 404, "not_found", None),
            (ask(&token, &pair(&left, MISSING)), 404, "not_found", None),
            (ask(&token, &pair(&unread, &right)), 409, "dataset_not_ready", None),
            (ask(&token, &pair("x", &right)), 422, "validation_failed", Some("/left")),
            (ask(&token, &given), 422, "validation_failed", Some("/rules/columns/amount/left")),
        ] {
            let problem = world.call(&call).await.unwrap().expect(status).unwrap();
            assert_eq!(problem["code"], code, "{name} {problem}");
            if let Some(pointer) = pointer {
                assert_eq!(problem["errors"][0]["pointer"], pointer, "{name} {problem}");
            }
        }
    }
}
