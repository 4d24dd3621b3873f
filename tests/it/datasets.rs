//! Datasets after they are made: listed, looked into, deleted.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use recon_testkit::{Call, Folder, Reply, World, demo};
use serde_json::{Value, json};

use crate::support::{Both, demo_rules, files_below, ready_pair};

/// A well-formed UUID that names nothing.
const MISSING: &str = "0190b1a2-0000-7000-8000-000000000000";

async fn call(world: &World, method: &str, path: &str, token: &str) -> Reply {
    world.call(&Call::new(method, path).bearer(token)).await.unwrap()
}

/// A dataset of these bytes that is read.
async fn ingested(world: &World, token: &str, name: &str, bytes: &[u8]) -> String {
    let id = demo::upload(world, token, name, bytes.to_vec()).await.unwrap();
    demo::complete(world, token, &id).await.unwrap();
    demo::ingested(world, token, &id).await.unwrap();
    id
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

/// Everything in the object store that belongs to a dataset.
fn objects_of(folder: &Folder, dataset: &str) -> Vec<PathBuf> {
    let below = |kind: &str| files_below(&folder.path().join("objects").join(kind).join(dataset));
    [below("uploads"), below("datasets")].concat()
}

/// Waits until something holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(90), "{what} does not come about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_shows_the_workspaces_datasets_the_newest_first() {
    let both = Both::start().await.unwrap();
    let owner = demo::add_user(&both.folder, "owner@example.com", "preparer", "one").unwrap();
    let viewer = demo::add_user(&both.folder, "viewer@example.com", "viewer", "one").unwrap();
    let stranger = demo::add_user(&both.folder, "stranger@example.com", "admin", "two").unwrap();
    let first = &both.worlds[0].1;
    let token = demo::sign_in(first, &owner).await.unwrap();
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        made.push(demo::upload(first, &token, name, b"id;amount\n1;2,50\n".to_vec()).await.unwrap());
    }
    demo::complete(first, &token, &made[0]).await.unwrap();
    demo::ingested(first, &token, &made[0]).await.unwrap();
    made.reverse();
    let [seen, unseen] =
        [demo::sign_in(first, &viewer).await.unwrap(), demo::sign_in(first, &stranger).await.unwrap()];
    for (name, world) in &both.worlds {
        for limit in [1, 2, 500] {
            let all = demo::all_items(world, &seen, "/v1/datasets", limit).await.unwrap();
            assert_eq!(ids(&all), made, "{name} {limit}");
            for item in &all {
                let path = format!("/v1/datasets/{}", item["id"].as_str().unwrap());
                let alone = call(world, "GET", &path, &seen).await.expect(200).unwrap();
                assert_eq!(*item, alone, "{name}: in a list as alone");
            }
        }
        let none = call(world, "GET", "/v1/datasets", &unseen).await.expect(200).unwrap();
        assert_eq!(none, json!({ "items": [], "next_cursor": null }), "{name}");
        for (query, code) in [
            ("limit=0", "invalid_parameter"),
            ("status=ready", "invalid_parameter"),
            ("cursor=1d", "invalid_cursor"),
        ] {
            let answer = call(world, "GET", &format!("/v1/datasets?{query}"), &seen).await;
            assert_eq!(answer.expect(400).unwrap()["code"], code, "{name} {query}");
        }
        assert_eq!(call(world, "GET", "/v1/datasets", "0123456789abcdef.x").await.status, 401, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_shown_as_they_stand_in_the_file_page_by_page() {
    let both = Both::start().await.unwrap();
    let owner = demo::add_user(&both.folder, "owner@example.com", "preparer", "one").unwrap();
    let first = &both.worlds[0].1;
    let token = demo::sign_in(first, &owner).await.unwrap();
    let mut text = "Nr;Betrag;Text\n".to_owned();
    for number in 1..=1_200 {
        match number % 100 {
            50 => text.push_str(&format!("{number};\"1,50\"\n")),
            _ => text.push_str(&format!("{number};\"{number},50\";\u{fc}ber {number}\n")),
        }
    }
    let id = ingested(first, &token, "rows", text.as_bytes()).await;
    let path = format!("/v1/datasets/{id}/rows");
    for (name, world) in &both.worlds {
        for limit in [7, 500] {
            let rows = demo::all_items(world, &token, &path, limit).await.unwrap();
            assert_eq!(rows.len(), 1_188, "{name} {limit}");
            for row in &rows {
                let number = row["row"].as_u64().unwrap();
                assert_ne!(number % 100, 50, "{name}: {row}");
                let expected = json!({
                    "row": number, "line": number + 1, "reason": null, "raw": null,
                    "values": {
                        "Nr": number.to_string(), "Betrag": format!("{number},50"),
                        "Text": format!("\u{fc}ber {number}"),
                    },
                });
                assert_eq!(*row, expected, "{name} {limit}");
            }
            assert!(rows.is_sorted_by_key(|row| row["row"].as_u64()), "{name} {limit}");
        }
        let explicit = demo::all_items(world, &token, &format!("{path}?status=accepted"), 500).await.unwrap();
        assert_eq!(explicit.len(), 1_188, "{name}");
        let rejected = demo::all_items(world, &token, &format!("{path}?status=rejected"), 5).await.unwrap();
        let numbers: Vec<_> = rejected.iter().map(|row| row["row"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..12).map(|hundred| hundred * 100 + 50).collect::<Vec<_>>(), "{name}");
        let row = &rejected[0];
        assert_eq!((&row["line"], &row["values"]), (&json!(51), &json!({})), "{name}: {row}");
        assert_eq!(row["raw"], "50;\"1,50\"", "{name}: {row}");
        assert!(!row["reason"].as_str().unwrap().is_empty(), "{name}: {row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_rows_are_listed_too_where_an_earlier_version_kept_no_list_of_them() {
    let both = Both::start().await.unwrap();
    let owner = demo::add_user(&both.folder, "owner@example.com", "preparer", "one").unwrap();
    let first = &both.worlds[0].1;
    let token = demo::sign_in(first, &owner).await.unwrap();
    let mut text = "Nr;Betrag\n".to_owned();
    for number in 1..=40 {
        text.push_str(&if number % 3 == 0 { format!("{number}\n") } else { format!("{number};1,50\n") });
    }
    let id = ingested(first, &token, "rows", text.as_bytes()).await;
    let path = format!("/v1/datasets/{id}/rows?status=rejected");
    let listed = demo::all_items(first, &token, &path, 500).await.unwrap();
    assert_eq!(listed.len(), 13);
    let list = objects_of(&both.folder, &id);
    let list = list.iter().find(|object| object.to_string_lossy().ends_with(".rejected.parquet")).unwrap();
    std::fs::remove_file(list).unwrap();
    for (name, world) in &both.worlds {
        for limit in [1, 5, 500] {
            let found = demo::all_items(world, &token, &path, limit).await.unwrap();
            assert_eq!(found, listed, "{name} {limit}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_announces_a_dataset_is_told_until_when_it_is_waited_for() {
    let both = Both::start().await.unwrap();
    let owner = demo::add_user(&both.folder, "owner@example.com", "preparer", "one").unwrap();
    let token = demo::sign_in(&both.worlds[0].1, &owner).await.unwrap();
    for (number, (name, world)) in both.worlds.iter().enumerate() {
        let create = Call::new("POST", "/v1/datasets")
            .bearer(&token)
            .key(&format!("k{number}"))
            .json(&json!({ "name": "bank" }));
        let made = world.call(&create).await.unwrap().expect(201).unwrap();
        let dataset: recon_contract::Dataset = serde_json::from_value(made.clone()).unwrap();
        let waits = dataset.upload.unwrap().expires_at.unwrap().micros() - dataset.created_at.micros();
        assert_eq!(waits, 24 * 3_600 * 1_000_000, "{name}");
        assert_eq!(world.call(&create).await.unwrap().expect(201).unwrap(), made, "{name}: replayed");
        // An upload puts it off.
        let path = format!("/v1/datasets/{}", dataset.id);
        assert_eq!(call(world, "GET", &path, &token).await.expect(200).unwrap()["upload"], made["upload"]);
        let put = Call::new("PUT", &format!("{path}/content")).bearer(&token).bytes(b"a;b\n1;2\n".to_vec());
        world.call(&put).await.unwrap().expect(204).unwrap();
        let after = call(world, "GET", &path, &token).await.expect(200).unwrap();
        let after: recon_contract::Dataset = serde_json::from_value(after).unwrap();
        let put_off = after.upload.unwrap().expires_at.unwrap().micros() - dataset.created_at.micros();
        assert!(put_off > waits, "{name}: {put_off}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_for_the_datasets_own_workspace_and_there_only_once_it_is_read() {
    let both = Both::start().await.unwrap();
    let owner = demo::add_user(&both.folder, "owner@example.com", "preparer", "one").unwrap();
    let viewer = demo::add_user(&both.folder, "viewer@example.com", "viewer", "one").unwrap();
    let stranger = demo::add_user(&both.folder, "stranger@example.com", "admin", "two").unwrap();
    let first = &both.worlds[0].1;
    let token = demo::sign_in(first, &owner).await.unwrap();
    let read = ingested(first, &token, "read", b"id;amount\n1;2,50\n2;3,50\n").await;
    let waiting = demo::upload(first, &token, "waiting", b"id;amount\n1;2,50\n".to_vec()).await.unwrap();
    let unreadable = ingested(first, &token, "unreadable", &[0, 159, 146, 150, 0, 1, 2, 255, 0, 0]).await;
    let [seen, unseen] =
        [demo::sign_in(first, &viewer).await.unwrap(), demo::sign_in(first, &stranger).await.unwrap()];
    for (name, world) in &both.worlds {
        let rows = |id: &str, query: &str| format!("/v1/datasets/{id}/rows{query}");
        let page = call(world, "GET", &rows(&read, "?limit=1"), &seen).await.expect(200).unwrap();
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{name}");
        for id in [&waiting, &unreadable] {
            for status in ["accepted", "rejected"] {
                let page = call(world, "GET", &rows(id, &format!("?status={status}")), &seen).await;
                let empty = json!({ "items": [], "next_cursor": null });
                assert_eq!(page.expect(200).unwrap(), empty, "{name} {status}");
            }
        }
        for (id, token) in [(read.as_str(), &unseen), (MISSING, &seen)] {
            let problem = call(world, "GET", &rows(id, ""), token).await.expect(404).unwrap();
            assert_eq!(problem["code"], "not_found", "{name}");
        }
        let cursor = page["next_cursor"].as_str().unwrap();
        for (query, code) in [
            ("?status=ready".to_owned(), "invalid_parameter"),
            ("?limit=501".to_owned(), "invalid_parameter"),
            ("?row=1".to_owned(), "invalid_parameter"),
            (format!("?status=rejected&cursor={cursor}"), "invalid_cursor"),
            (format!("?cursor={}{}", &cursor[..2], "f".repeat(32)), "invalid_cursor"),
        ] {
            let answer = call(world, "GET", &rows(&read, &query), &seen).await;
            assert_eq!(answer.expect(400).unwrap()["code"], code, "{name} {query}");
        }
        assert_eq!(call(world, "GET", &rows("7", ""), &seen).await.status, 400, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_dataset_leaves_nothing() {
    let both = Both::start().await.unwrap();
    let owner = demo::add_user(&both.folder, "owner@example.com", "preparer", "one").unwrap();
    let viewer = demo::add_user(&both.folder, "viewer@example.com", "viewer", "one").unwrap();
    let stranger = demo::add_user(&both.folder, "stranger@example.com", "admin", "two").unwrap();
    let first = &both.worlds[0].1;
    let token = demo::sign_in(first, &owner).await.unwrap();
    let [lower, foreign] =
        [demo::sign_in(first, &viewer).await.unwrap(), demo::sign_in(first, &stranger).await.unwrap()];
    let kept = ingested(first, &token, "kept", b"id;amount\n1;2,50\n").await;
    for (number, (name, world)) in both.worlds.iter().enumerate() {
        let read = ingested(world, &token, &format!("read-{number}"), b"id;amount\n1;2,50\n2\n").await;
        let waiting = demo::upload(world, &token, &format!("waiting-{number}"), b"x".to_vec()).await.unwrap();
        for id in [&read, &waiting] {
            let path = format!("/v1/datasets/{id}");
            assert!(!objects_of(&both.folder, id).is_empty(), "{name}");
            assert_eq!(call(world, "DELETE", &path, &lower).await.expect(403).unwrap()["code"], "forbidden");
            assert_eq!(
                call(world, "DELETE", &path, &foreign).await.expect(404).unwrap()["code"],
                "not_found"
            );
            call(world, "GET", &path, &token).await.expect(200).unwrap();
            let deleted = call(world, "DELETE", &path, &token).await;
            assert_eq!((deleted.status, deleted.body.len()), (204, 0), "{name}");
            assert_eq!(objects_of(&both.folder, id), Vec::<PathBuf>::new(), "{name}");
            for (method, path) in
                [("DELETE", path.clone()), ("GET", path.clone()), ("GET", format!("{path}/rows"))]
            {
                assert_eq!(call(world, method, &path, &token).await.status, 404, "{name} {method} {path}");
            }
            let late = Call::new("PUT", &format!("{path}/content")).bearer(&token).bytes(b"late".to_vec());
            assert_eq!(world.call(&late).await.unwrap().status, 404, "{name}");
        }
        assert_eq!(call(world, "DELETE", "/v1/datasets/7", &token).await.status, 400, "{name}");
        let left = demo::all_items(world, &token, "/v1/datasets", 50).await.unwrap();
        assert_eq!(ids(&left), [&kept], "{name}");
        assert_eq!(objects_of(&both.folder, &kept).len(), 3, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_a_reconciliation_uses_stays_until_that_is_deleted() {
    let both = Both::start().await.unwrap();
    let approver = demo::add_user(&both.folder, "approver@example.com", "approver", "one").unwrap();
    let first = &both.worlds[0].1;
    let token = demo::sign_in(first, &approver).await.unwrap();
    let pair = ready_pair(first, &token).await.unwrap();
    let created = demo::reconcile(first, &token, "k", (&pair[0], &pair[1]), &demo_rules()).await.unwrap();
    let run = created["id"].as_str().unwrap();
    demo::finished(first, &token, run).await.unwrap();
    for (name, world) in &both.worlds {
        for id in &pair {
            let path = format!("/v1/datasets/{id}");
            let problem = call(world, "DELETE", &path, &token).await.expect(409).unwrap();
            assert_eq!(problem["code"], "dataset_in_use", "{name}");
            call(world, "GET", &path, &token).await.expect(200).unwrap();
            assert_eq!(objects_of(&both.folder, id).len(), 3, "{name}");
        }
    }
    call(first, "DELETE", &format!("/v1/reconciliations/{run}"), &token).await.expect(204).unwrap();
    for id in &pair {
        call(first, "DELETE", &format!("/v1/datasets/{id}"), &token).await.expect(204).unwrap();
        assert_eq!(objects_of(&both.folder, id), Vec::<PathBuf>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dataset_that_is_deleted_while_it_is_read_leaves_nothing_either() {
    let both = Both::start().await.unwrap();
    let owner = demo::add_user(&both.folder, "owner@example.com", "preparer", "one").unwrap();
    let first = &both.worlds[0].1;
    let token = demo::sign_in(first, &owner).await.unwrap();
    let log = both.folder.path().join("server.log");
    let said = |word: &str| std::fs::read_to_string(&log).unwrap().matches(word).count();
    let row = "1;2026-02-03;1.250,75;a text of some length that takes its time to be read;and another one\n";
    let text = ["id;date;amount;text;other\n", &row.repeat(400_000)].concat();
    let id = demo::upload(first, &token, "large", text.into_bytes()).await.unwrap();
    demo::complete(first, &token, &id).await.unwrap();
    until("the ingest", || said("job taken") == 1).await;
    call(first, "DELETE", &format!("/v1/datasets/{id}"), &token).await.expect(204).unwrap();
    until("the end of the ingest", || said("lease lost, nothing published") == 1).await;
    until("an empty folder", || objects_of(&both.folder, &id).is_empty()).await;
    assert_eq!(call(first, "GET", &format!("/v1/datasets/{id}"), &token).await.status, 404);
    // The worker is free again.
    ingested(first, &token, "next", b"id;amount\n1;2,50\n").await;
    assert_eq!(objects_of(&both.folder, &id), Vec::<PathBuf>::new());
}
