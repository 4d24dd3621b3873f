//! Another workspace's things are as if they did not exist, and roles are kept.

use recon_testkit::{Call, demo};
use serde_json::json;

use crate::support::{Both, demo_rules, ready_pair};

#[tokio::test(flavor = "multi_thread")]
async fn another_workspace_sees_nothing() {
    let both = Both::start().await.unwrap();
    let world = &both.worlds[0].1;
    let owner = demo::add_user(&both.folder, "owner@example.com", "preparer", "one").unwrap();
    let stranger = demo::add_user(&both.folder, "stranger@example.com", "admin", "two").unwrap();
    let token = demo::sign_in(world, &owner).await.unwrap();
    let ids = ready_pair(world, &token).await.unwrap();
    let created = demo::reconcile(world, &token, "k", (&ids[0], &ids[1]), &demo_rules()).await.unwrap();
    let run = created["id"].as_str().unwrap();
    demo::finished(world, &token, run).await.unwrap();

    let nobody = "0190b1a2-0000-7000-8000-000000000000";
    for (name, world) in &both.worlds {
        let foreign = demo::sign_in(world, &stranger).await.unwrap();
        for path in [
            "/v1/datasets/{}".replace("{}", &ids[0]),
            format!("/v1/reconciliations/{run}"),
            format!("/v1/reconciliations/{run}/matches"),
            format!("/v1/reconciliations/{run}/breaks"),
        ] {
            let of_other = world.call(&Call::new("GET", &path).bearer(&foreign)).await.unwrap();
            let none = path.replace(run, nobody).replace(&ids[0], nobody);
            let of_none = world.call(&Call::new("GET", &none).bearer(&foreign)).await.unwrap();
            assert_eq!((of_other.status, of_none.status), (404, 404), "{name} {path}");
            let mut bodies = [of_other.json().unwrap(), of_none.json().unwrap()];
            let text = |body: &mut serde_json::Value, id: &str| {
                body["request_id"] = json!(null);
                body.to_string().replace(id, "ID")
            };
            let [mine, theirs] = &mut bodies;
            let id = if path.contains(run) { run } else { ids[0].as_str() };
            assert_eq!(text(mine, id), text(theirs, nobody), "{name} {path}");
        }
        let body = json!({ "name": "x", "left": ids[0], "right": ids[1], "rules": demo_rules() });
        let create = Call::new("POST", "/v1/reconciliations").bearer(&foreign).key("theirs").json(&body);
        let refused = world.call(&create).await.unwrap();
        assert!((400..500).contains(&refused.status), "{name} {}", refused.status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_and_does_not_write() {
    let both = Both::start().await.unwrap();
    let viewer = demo::add_user(&both.folder, "v@example.com", "viewer", "w").unwrap();
    for (name, world) in &both.worlds {
        let token = demo::sign_in(world, &viewer).await.unwrap();
        let create = Call::new("POST", "/v1/datasets")
            .bearer(&token)
            .key("k")
            .json(&json!({ "name": "x", "format": "csv", "options": {} }));
        let problem = world.call(&create).await.unwrap().expect(403).unwrap();
        assert_eq!(problem["code"], "forbidden", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_tells_nothing_about_who_exists() {
    let both = Both::start().await.unwrap();
    demo::add_user(&both.folder, "known@example.com", "viewer", "w").unwrap();
    for (name, world) in &both.worlds {
        let mut answers = Vec::new();
        for email in ["known@example.com", "unknown@example.com"] {
            let body = json!({ "email": email, "password": "not the password at all" });
            let reply = world.call(&Call::new("POST", "/v1/sessions").json(&body)).await.unwrap();
            let mut problem = reply.expect(401).unwrap();
            problem["request_id"] = json!(null);
            answers.push(problem);
        }
        assert_eq!(answers[0], answers[1], "{name}");
        assert_eq!(answers[0]["code"], "invalid_credentials", "{name}");
    }
}
