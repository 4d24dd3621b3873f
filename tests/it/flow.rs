//! Create, upload, complete, reconcile, read: the same in both worlds.

use anyhow::Result;
use recon_testkit::{Call, World, demo};
use serde_json::{Value, json};

use crate::support::{Both, assert_conserved, demo_file, demo_rules, match_into, ready_pair};

/// What one world answered on the way, with what differs by nature (ids, times) taken out.
struct Told {
    answers: Vec<(String, Value)>,
    digest: String,
    summary: Value,
}

/// Replaces what cannot be equal: ids by their kind of place, times, tokens.
fn neutral(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| {
                let differs = matches!(
                    name.as_str(),
                    "id" | "left"
                        | "right"
                        | "url"
                        | "token"
                        | "created_at"
                        | "finished_at"
                        | "expires_at"
                        | "request_id"
                ) && field.is_string();
                (name.clone(), if differs { json!("…") } else { neutral(field) })
            })
            .collect(),
        Value::Array(items) => items.iter().map(neutral).collect(),
        other => other.clone(),
    }
}

async fn walk(world: &World, account: &demo::Account) -> Result<Told> {
    let mut answers = Vec::new();
    let token = demo::sign_in(world, account).await?;
    let left = demo::upload(world, &token, "bank", demo_file("bank.csv")).await?;
    let right = demo::upload(world, &token, "ledger", demo_file("ledger.csv")).await?;
    for id in [&left, &right] {
        answers.push(("complete".to_owned(), neutral(&demo::complete(world, &token, id).await?)));
        let dataset = demo::ingested(world, &token, id).await?;
        assert_eq!(dataset["status"], "ready", "{dataset}");
        answers.push(("dataset".to_owned(), neutral(&dataset)));
    }
    let rules = demo_rules();
    let created = demo::reconcile(world, &token, "first", (&left, &right), &rules).await?;
    let id = created["id"].as_str().unwrap().to_owned();
    answers.push(("created".to_owned(), neutral(&created)));

    // The same key again: the same answer, marked as a replay; another body under it: refused.
    let again = demo::reconcile(world, &token, "first", (&left, &right), &rules).await?;
    assert_eq!(again, created);
    let reused = Call::new("POST", "/v1/reconciliations")
        .bearer(&token)
        .key("first")
        .json(&json!({ "name": "other", "left": left, "right": right, "rules": rules }));
    answers.push(("reused".to_owned(), neutral(&world.call(&reused).await?.expect(422)?)));

    let done = demo::finished(world, &token, &id).await?;
    assert_eq!(done["status"], "succeeded", "{done}");
    answers.push(("reconciliation".to_owned(), neutral(&done)));
    for list in ["breaks", "matches"] {
        let path = format!("/v1/reconciliations/{id}/{list}");
        let items = demo::all_items(world, &token, &path, 40).await?;
        let distinct: std::collections::HashSet<&str> =
            items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(distinct.len(), items.len(), "{list} has doubles");
        let one_page = demo::all_items(world, &token, &path, 500).await?;
        assert_eq!(items, one_page, "{list} differs by page size");
        answers.push((list.to_owned(), neutral(&Value::Array(items))));
    }
    let filtered = format!("/v1/reconciliations/{id}/breaks?side=left&kind=missing_right");
    let items = demo::all_items(world, &token, &filtered, 500).await?;
    assert!(items.iter().all(|item| item["side"] == "left" && item["kind"] == "missing_right"));
    answers.push(("filtered".to_owned(), neutral(&Value::Array(items))));
    Ok(Told {
        answers,
        digest: done["summary"]["digest"].as_str().unwrap().to_owned(),
        summary: done["summary"].clone(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn both_worlds_give_the_same_answers_as_the_command_line() {
    let both = Both::start().await.unwrap();
    let mut told = Vec::new();
    for (index, (name, world)) in both.worlds.iter().enumerate() {
        // Each in its own workspace, so that keys and names do not meet.
        let email = format!("user{index}@example.com");
        let account =
            demo::add_user(&both.folder, &email, "preparer", &format!("workspace {index}")).unwrap();
        let one = walk(world, &account).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        assert_conserved(&one.summary);
        told.push((name, one));
    }
    let (_, first) = &told[0];
    for (name, other) in &told[1..] {
        assert_eq!(other.digest, first.digest, "{name}");
        for (mine, theirs) in first.answers.iter().zip(&other.answers) {
            assert_eq!(mine, theirs, "{name}");
        }
    }

    let demo = crate::support::demo_folder();
    let files = ["bank.csv", "ledger.csv", "rules.toml"].map(|name| demo.join(name));
    let out = both.folder.path().join("out");
    let (_, summary) = match_into(&both.folder, [&files[0], &files[1], &files[2]], &out, &[]).unwrap();
    assert_eq!(summary, first.summary, "the command line and the server agree");
}

#[tokio::test(flavor = "multi_thread")]
async fn matches_and_breaks_cover_every_row_once() {
    let both = Both::start().await.unwrap();
    let world = &both.worlds[0].1;
    let account = demo::add_user(&both.folder, "a@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(world, &account).await.unwrap();
    let ids = ready_pair(world, &token).await.unwrap();
    let created = demo::reconcile(world, &token, "k", (&ids[0], &ids[1]), &demo_rules()).await.unwrap();
    let id = created["id"].as_str().unwrap();
    let done = demo::finished(world, &token, id).await.unwrap();

    let mut rows = [std::collections::BTreeSet::new(), std::collections::BTreeSet::new()];
    let mut add = |side: usize, row: &Value| {
        assert!(rows[side].insert(row.as_u64().unwrap()), "row {row} of side {side} twice");
    };
    let path = format!("/v1/reconciliations/{id}/matches");
    for item in demo::all_items(world, &token, &path, 100).await.unwrap() {
        for (side, name) in ["left", "right"].iter().enumerate() {
            item[name].as_array().unwrap().iter().for_each(|entry| add(side, &entry["row"]));
        }
    }
    let path = format!("/v1/reconciliations/{id}/breaks");
    for item in demo::all_items(world, &token, &path, 100).await.unwrap() {
        add(usize::from(item["side"] == "right"), &item["row"]);
    }
    for (side, name) in ["left", "right"].iter().enumerate() {
        let entries = done["summary"][name]["rows"].as_u64().unwrap();
        assert_eq!(u64::try_from(rows[side].len()).unwrap(), entries, "{name}");
    }
}
