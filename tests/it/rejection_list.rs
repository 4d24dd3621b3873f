//! The rows that a run rejected: as many as its summary counts, with what is wrong with each.

use anyhow::Result;
use recon_testkit::{Call, World, demo};
use serde_json::{Value, json};

use crate::reconciliation_export::{date_rules, mixed_dates};
use crate::support::{Both, demo_rules, ready_pair};

/// A left file with this many ragged rows and one whose amount is none, and a right file with one such row.
fn files(ragged: usize) -> [Vec<u8>; 2] {
    let mut left = "id,amount\n".to_owned();
    for number in 1..=ragged {
        left.push_str(&format!("{number},{number}.00\n{number},{number}.00,more\n"));
    }
    left.push_str("x,\"=none\"\n");
    let right = "id,amount\n1,1.00\n2,zwei\n".to_owned();
    [left.into_bytes(), right.into_bytes()]
}

fn rules() -> Value {
    json!({
        "columns": {
            "amount": {"left": "amount", "right": "amount", "type": "decimal"},
            "reference": {"left": "id", "right": "id", "type": "text"},
        },
        "passes": [{"name": "exact", "equal": ["reference", "amount"]}],
    })
}

/// Uploads two files, reconciles them, and returns the reconciliation at its end.
pub(crate) async fn run(world: &World, token: &str, files: [Vec<u8>; 2], rules: &Value) -> Result<Value> {
    let [left, right] = files;
    let mut ids = Vec::new();
    for (name, bytes) in [("left", left), ("right", right)] {
        let id = demo::upload(world, token, name, bytes).await?;
        demo::complete(world, token, &id).await?;
        demo::ingested(world, token, &id).await?;
        ids.push(id);
    }
    let created = demo::reconcile(world, token, "run", (&ids[0], &ids[1]), rules).await?;
    demo::finished(world, token, created["id"].as_str().unwrap_or_default()).await
}

fn rejections(run: &Value) -> String {
    format!("/v1/reconciliations/{}/rejections", run["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rejected_row_is_listed_with_what_is_wrong() {
    let both = Both::start().await.unwrap();
    for (index, (name, world)) in both.worlds.iter().enumerate() {
        let workspace = format!("workspace {index}");
        let account = demo::add_user(&both.folder, &format!("p{index}@example.com"), "preparer", &workspace);
        let token = demo::sign_in(world, &account.unwrap()).await.unwrap();
        let viewer = demo::add_user(&both.folder, &format!("v{index}@example.com"), "viewer", &workspace);
        let viewer = demo::sign_in(world, &viewer.unwrap()).await.unwrap();
        let done = run(world, &token, files(40), &rules()).await.unwrap();
        assert_eq!(done["status"], "succeeded", "{name} {done}");
        let counts = ["left", "right"].map(|side| done["summary"][side]["rejected"].as_u64().unwrap());
        assert_eq!(counts, [41, 1], "{name}");

        let all = demo::all_items(world, &viewer, &rejections(&done), 500).await.unwrap();
        assert_eq!(all, demo::all_items(world, &viewer, &rejections(&done), 7).await.unwrap(), "{name}");
        for (side, count) in ["left", "right"].iter().zip(counts) {
            let path = format!("{}?side={side}", rejections(&done));
            let found = demo::all_items(world, &viewer, &path, 9).await.unwrap();
            let expected: Vec<_> = all.iter().filter(|row| row["side"] == **side).cloned().collect();
            assert_eq!((u64::try_from(found.len()).unwrap(), found), (count, expected), "{name} {side}");
        }
        let ragged = &all[1];
        assert_eq!(
            (&ragged["row"], &ragged["line"], &ragged["column"]),
            (&json!(4), &json!(5), &json!(null))
        );
        assert_eq!((&ragged["values"], &ragged["raw"]), (&json!({}), &json!("2,2.00,more")), "{name}");
        assert_eq!(
            (&all[40]["row"], &all[40]["line"], &all[40]["raw"]),
            (&json!(81), &json!(82), &json!(null))
        );
        assert_eq!((&all[40]["column"], &all[40]["values"]["amount"]), (&json!("amount"), &json!("=none")));
        assert_eq!(
            (&all[41]["side"], &all[41]["values"]),
            (&json!("right"), &json!({"amount": "zwei", "id": "2"}))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_lists_as_many_as_it_counts() {
    let both = Both::start().await.unwrap();
    let world = &both.worlds[0].1;
    let account = demo::add_user(&both.folder, "p@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(world, &account).await.unwrap();
    let ids = ready_pair(world, &token).await.unwrap();
    let created = demo::reconcile(world, &token, "k", (&ids[0], &ids[1]), &demo_rules()).await.unwrap();
    let done = demo::finished(world, &token, created["id"].as_str().unwrap()).await.unwrap();
    let all = demo::all_items(world, &token, &rejections(&done), 50).await.unwrap();
    for side in ["left", "right"] {
        let listed = all.iter().filter(|row| row["side"] == side).count();
        assert_eq!(
            Some(u64::try_from(listed).unwrap()),
            done["summary"][side]["rejected"].as_u64(),
            "{side}"
        );
    }
    assert!(!all.is_empty(), "the demo has bad rows");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_result_the_page_is_empty_and_what_is_not_there_is_404() {
    let both = Both::start().await.unwrap();
    let owner = demo::add_user(&both.folder, "p@example.com", "preparer", "one").unwrap();
    let stranger = demo::add_user(&both.folder, "s@example.com", "admin", "two").unwrap();
    let world = &both.worlds[0].1;
    let token = demo::sign_in(world, &owner).await.unwrap();
    let failed = run(world, &token, mixed_dates(), &date_rules()).await.unwrap();
    assert_eq!(failed["status"], "failed", "{failed}");
    let nobody = "/v1/reconciliations/0190b1a2-0000-7000-8000-000000000000/rejections";
    for (name, world) in &both.worlds {
        let ask =
            async |token: &str, path: &str| world.call(&Call::new("GET", path).bearer(token)).await.unwrap();
        let empty = ask(&token, &rejections(&failed)).await.expect(200).unwrap();
        assert_eq!(empty, json!({"items": [], "next_cursor": null}), "{name}");
        let foreign = demo::sign_in(world, &stranger).await.unwrap();
        for path in [nobody, &rejections(&failed)] {
            assert_eq!(ask(&foreign, path).await.expect(404).unwrap()["code"], "not_found", "{name}");
        }
        for (query, code) in [
            ("side=both", "invalid_parameter"),
            ("limit=0", "invalid_parameter"),
            ("cursor=x", "invalid_cursor"),
        ] {
            let path = format!("{}?{query}", rejections(&failed));
            assert_eq!(ask(&token, &path).await.expect(400).unwrap()["code"], code, "{name} {query}");
        }
        let anonymous = world.call(&Call::new("GET", &rejections(&failed))).await.unwrap();
        assert_eq!(anonymous.status, 401, "{name}");
    }
}
