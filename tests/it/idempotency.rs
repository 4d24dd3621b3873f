//! What became of a key.

use recon_idempotency::IdempotencyKey;
use recon_testkit::{Call, KeyedClient, demo};
use serde_json::json;

use crate::support::Both;

const PATH: &str = "/v1/idempotency";

#[tokio::test(flavor = "multi_thread")]
async fn who_used_a_key_sees_what_became_of_it_and_nobody_else_does() {
    let both = Both::start().await.unwrap();
    let [ann, bob] = ["ann@example.com", "bob@example.com"]
        .map(|email| demo::add_user(&both.folder, email, "preparer", "one").unwrap());
    let first = &both.worlds[0].1;
    let ann = demo::sign_in(first, &ann).await.unwrap();
    let bob = demo::sign_in(first, &bob).await.unwrap();
    for (number, (name, world)) in both.worlds.iter().enumerate() {
        let key = format!("key-{number}");
        let ask = |token: &str, key: &str| Call::new("GET", PATH).bearer(token).key(key);
        let unused = world.call(&ask(&ann, &key)).await.unwrap().expect(404).unwrap();
        assert_eq!(unused["code"], "not_found", "{name}");
        let body = json!({ "name": "d", "format": "csv", "options": {} });
        let create = Call::new("POST", "/v1/datasets").bearer(&ann).key(&key).json(&body);
        world.call(&create).await.unwrap().expect(201).unwrap();

        let found = world.call(&ask(&ann, &key)).await.unwrap().expect(200).unwrap();
        let expires = found["expires_at"].as_str().unwrap();
        let expected = json!({
            "state": "completed", "method": "POST", "path": "/v1/datasets", "status": 201, "expires_at": expires,
        });
        assert_eq!(found, expected, "{name}");
        let quoted = world.call(&ask(&ann, &format!("\"{key}\""))).await.unwrap().expect(200).unwrap();
        assert_eq!(quoted, found, "{name}: both spellings are one key");
        // The same text is another key of another user.
        assert_eq!(world.call(&ask(&bob, &key)).await.unwrap().status, 404, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_or_with_what_is_none_the_refusal_says_so() {
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "ann@example.com", "viewer", "one").unwrap();
    let token = demo::sign_in(&both.worlds[0].1, &account).await.unwrap();
    for (name, world) in &both.worlds {
        let get = Call::new("GET", PATH).bearer(&token);
        let missing = world.call(&get).await.unwrap().expect(400).unwrap();
        assert_eq!(missing["code"], "idempotency_key_missing", "{name}");
        let invalid = world.call(&get.key("two words")).await.unwrap().expect(400).unwrap();
        assert_eq!(invalid["code"], "idempotency_key_invalid", "{name}");
        let stranger = Call::new("GET", PATH).key("k");
        assert_eq!(world.call(&stranger).await.unwrap().status, 401, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn simultaneous_requests_with_one_key_have_one_effect_and_equal_answers() {
    const REQUESTS: usize = 64;
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "ann@example.com", "preparer", "one").unwrap();
    let token = demo::sign_in(&both.worlds[0].1, &account).await.unwrap();
    // Functions take one event at a time each; what is simultaneous there are two of them beside the server.
    let body = json!({ "name": "once", "format": "csv", "options": {} });
    let create = Call::new("POST", "/v1/datasets").bearer(&token).json(&body);
    let key = IdempotencyKey::random().unwrap();
    let ask = async |number: usize| {
        let (_, world) = &both.worlds[number % both.worlds.len()];
        KeyedClient::of(world).send(&create, &key).await.unwrap()
    };
    let replies = futures_util::future::join_all((0..REQUESTS).map(ask)).await;
    let replayed = |reply: &&recon_testkit::Reply| reply.header("idempotency-replayed").is_some();
    assert_eq!(replies.iter().filter(replayed).count(), REQUESTS - 1);
    for reply in &replies {
        assert_eq!((reply.status, &reply.body), (201, &replies[0].body));
        assert_eq!(reply.header("location"), replies[0].header("location"));
    }
    let list = both.worlds[0].1.call(&Call::new("GET", "/v1/datasets").bearer(&token)).await.unwrap();
    assert_eq!(list.expect(200).unwrap()["items"].as_array().unwrap().len(), 1);
}
