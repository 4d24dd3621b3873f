//! What the admin port says.

mod exported;
pub(crate) mod exposition;

use std::collections::BTreeMap;
use std::net::TcpListener;

use recon_testkit::{Call, Folder, Server, World, demo};
use serde_json::json;

use crate::support::said;

/// The counters of idempotency keys, by metric without its prefix.
async fn counted(address: &str) -> BTreeMap<String, u64> {
    let answer = reqwest::get(address).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.unwrap();
    assert!(text.contains("recon_build_info{version="), "{text}");
    let store = if Folder::is_postgres().unwrap() { "postgres" } else { "sqlite" };
    let label = format!("_total{{store=\"{store}\"}} ");
    let series = text.lines().filter(|line| line.starts_with("idempotency_"));
    let series = series.filter_map(|line| line.split_once(&label));
    series
        .map(|(name, value)| (name.trim_start_matches("idempotency_").to_owned(), value.parse().unwrap()))
        .collect()
}

fn expected(counts: [u64; 7]) -> BTreeMap<String, u64> {
    let names =
        ["claims", "replays", "mismatches", "conflicts", "takeovers", "zombies_rejected", "store_errors"];
    names.into_iter().map(str::to_owned).zip(counts).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_with_a_key_is_counted_once_by_what_became_of_it() {
    let folder = Folder::new().unwrap();
    let server = Server::start(&folder).await.unwrap();
    let address = server.metrics_address(&folder).unwrap();
    let world = World::Server(server);
    assert_eq!(counted(&address).await, expected([0; 7]), "every series is there before its first event");

    let account = demo::add_user(&folder, "ann@example.com", "preparer", "one").unwrap();
    let token = demo::sign_in(&world, &account).await.unwrap();
    let create = async |key: &str, name: &str, status| {
        let body = json!({ "name": name, "format": "csv", "options": {} });
        let call = Call::new("POST", "/v1/datasets").bearer(&token).key(key).json(&body);
        world.call(&call).await.unwrap().expect(status).unwrap()
    };
    let made = [create("one", "a", 201).await, create("two", "b", 201).await];
    assert_eq!(counted(&address).await, expected([2, 0, 0, 0, 0, 0, 0]));
    assert_eq!([create("one", "a", 201).await, create("two", "b", 201).await], made);
    create("one", "a", 201).await;
    create("one", "another", 422).await;
    assert_eq!(counted(&address).await, expected([2, 3, 1, 0, 0, 0, 0]));

    // What is refused inside the transaction leaves no key, and is no claim. Nor is a request without a key.
    let path = format!("/v1/datasets/{}/complete", made[0]["id"].as_str().unwrap());
    let complete = Call::new("POST", &path).bearer(&token).key("three").json(&json!({}));
    world.call(&complete).await.unwrap().expect(409).unwrap();
    let list = Call::new("GET", "/v1/datasets").bearer(&token);
    world.call(&list).await.unwrap().expect(200).unwrap();
    assert_eq!(counted(&address).await, expected([2, 3, 1, 0, 0, 0, 0]));
    assert_eq!(reqwest::get(address.replace("/metrics", "/")).await.unwrap().status(), 404);
}

#[test]
fn an_admin_port_that_is_taken_is_refused_with_words_where_somebody_asked_for_it() {
    let folder = Folder::new().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    folder.recon(&["migrate"]).unwrap();
    let mut serve = folder.command("recon").unwrap();
    let output = serve.arg("serve").env("PORT", "0").env("ADMIN_PORT", &port).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("set ADMIN_PORT to another port, or to `off`"), "{}", said(&output));
}
