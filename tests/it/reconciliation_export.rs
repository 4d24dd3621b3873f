//! A result as a file: the same bytes as those of the command line, from every world.

use std::path::Path;

use recon_testkit::{Call, Folder, Reply, Server, World, demo};
use serde_json::{Value, json};

use crate::rejection_list::run;
use crate::support::{Both, demo_folder, demo_rules, match_into, ready_pair};

const PARTS: [(&str, &str); 3] = [("matches", "matches"), ("breaks", "breaks"), ("rejections", "rejected")];
const FORMATS: [(&str, &str); 3] = [
    ("csv", "text/csv; charset=utf-8; header=present"),
    ("json", "application/json"),
    ("parquet", "application/vnd.apache.parquet"),
];

/// Two files whose dates contradict each other, so that their run fails.
pub(crate) fn mixed_dates() -> [Vec<u8>; 2] {
    let mixed = "day,amount\n13/01/2026,1.00\n01/13/2026,2.00\n14/01/2026,3.00\n".as_bytes();
    [mixed.to_vec(), b"day,amount\n2026-01-13,1.00\n".to_vec()]
}

/// Rules that read those dates.
pub(crate) fn date_rules() -> Value {
    json!({
        "columns": {
            "amount": {"left": "amount", "right": "amount", "type": "decimal"},
            "date": {"left": "day", "right": "day", "type": "date"},
        },
        "passes": [{"name": "exact", "equal": ["date", "amount"]}],
    })
}

async fn export(world: &World, token: &str, id: &str, query: &str) -> Reply {
    let path = format!("/v1/reconciliations/{id}/export{query}");
    world.call(&Call::new("GET", &path).bearer(token)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_has_the_bytes_of_the_command_lines_file() {
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "p@example.com", "preparer", "w").unwrap();
    let viewer = demo::add_user(&both.folder, "v@example.com", "viewer", "w").unwrap();
    let world = &both.worlds[0].1;
    let token = demo::sign_in(world, &account).await.unwrap();
    let ids = ready_pair(world, &token).await.unwrap();
    let created = demo::reconcile(world, &token, "k", (&ids[0], &ids[1]), &demo_rules()).await.unwrap();
    let id = created["id"].as_str().unwrap();
    demo::finished(world, &token, id).await.unwrap();

    let files = ["bank.csv", "ledger.csv", "rules.toml"].map(|name| demo_folder().join(name));
    for (format, media_type) in FORMATS {
        let out = both.folder.path().join(format!("out-{format}"));
        let arguments = ["--out-format", format];
        match_into(&both.folder, [&files[0], &files[1], &files[2]], &out, &arguments).unwrap();
        for (what, stem) in PARTS {
            let expected = std::fs::read(out.join(format!("{stem}.{format}"))).unwrap();
            assert!(expected.len() > 100, "{stem}.{format} says something");
            for (name, world) in &both.worlds {
                let viewer = demo::sign_in(world, &viewer).await.unwrap();
                let reply = export(world, &viewer, id, &format!("?what={what}&format={format}")).await;
                assert_eq!(reply.status, 200, "{name} {what} {format}");
                assert!(
                    reply.body == expected,
                    "{name} {what} {format} differs from the command line's file"
                );
                assert_eq!(reply.header("content-type"), Some(media_type), "{name} {what}");
                let named = format!("attachment; filename=\"{stem}.{format}\"");
                assert_eq!(reply.header("content-disposition"), Some(named.as_str()), "{name}");
                assert_eq!(reply.header("cache-control"), Some("no-store"), "{name}");
                if format == "csv" {
                    let unsaid = export(world, &viewer, id, &format!("?what={what}")).await;
                    assert!(
                        unsaid.body == expected,
                        "{name} {what}: CSV is what is meant where nothing is said"
                    );
                }
            }
        }
    }
}

/// Makes the matches of a result what an earlier version stored: without what says the types of columns, whose key has the
/// same length here.
fn forget_types(matches: &Path) {
    let (key, other) = (b"recon.columns", b"older.columns");
    let mut bytes = std::fs::read(matches).unwrap();
    let places: Vec<_> = (0..bytes.len() - key.len()).filter(|at| bytes[*at..].starts_with(key)).collect();
    assert_eq!(places.len(), 1);
    bytes[places[0]..places[0] + key.len()].copy_from_slice(other);
    std::fs::write(matches, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_version_stored_is_listed_and_says_why_it_is_not_exported() {
    let both = Both::start().await.unwrap();
    let account = demo::add_user(&both.folder, "p@example.com", "preparer", "w").unwrap();
    let world = &both.worlds[0].1;
    let token = demo::sign_in(world, &account).await.unwrap();
    let ids = ready_pair(world, &token).await.unwrap();
    let created = demo::reconcile(world, &token, "k", (&ids[0], &ids[1]), &demo_rules()).await.unwrap();
    let id = created["id"].as_str().unwrap();
    demo::finished(world, &token, id).await.unwrap();
    let objects = both.folder.path().join("objects/reconciliations").join(id).join("1");
    forget_types(&objects.join("matches.parquet"));
    std::fs::remove_file(objects.join("rejections.parquet")).unwrap();
    for (name, world) in &both.worlds {
        for (what, _) in PARTS {
            for (format, _) in FORMATS {
                let reply = export(world, &token, id, &format!("?what={what}&format={format}")).await;
                let problem = reply.expect(409).unwrap();
                assert_eq!(problem["code"], "no_result", "{name} {what} {format}");
                assert!(problem["detail"].as_str().unwrap().contains("reconcile again"), "{name} {problem}");
            }
        }
        let path = format!("/v1/reconciliations/{id}/matches?limit=1");
        let page = world.call(&Call::new("GET", &path).bearer(&token)).await.unwrap().expect(200).unwrap();
        assert_eq!(page["items"].as_array().unwrap().len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_a_deletion_cuts_short_does_not_look_whole() {
    let folder = Folder::new().unwrap();
    let server = Server::start(&folder).await.unwrap();
    let address = server.address().to_owned();
    let world = World::Server(server);
    let account = demo::add_user(&folder, "a@example.com", "approver", "w").unwrap();
    let token = demo::sign_in(&world, &account).await.unwrap();
    // More than what waits between a writer and a reader who takes nothing.
    let mut left = "id,amount\n".to_owned();
    for number in 0..40_000 {
        left.push_str(&format!("{number}{},1.00\n", "x".repeat(600)));
    }
    let files = [left.into_bytes(), b"id,amount\n1,2.00\n".to_vec()];
    let rules = json!({
        "columns": {
            "amount": {"left": "amount", "right": "amount", "type": "decimal"},
            "reference": {"left": "id", "right": "id", "type": "text"},
        },
        "passes": [{"name": "exact", "equal": ["reference", "amount"]}],
    });
    let done = run(&world, &token, files, &rules).await.unwrap();
    let path = format!("/v1/reconciliations/{}", done["id"].as_str().unwrap());
    for cut in [false, true] {
        let url = format!("{address}{path}/export?what=breaks");
        let mut answer = reqwest::Client::new().get(url).bearer_auth(&token).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.chunk().await.unwrap().unwrap();
        if cut {
            let delete = Call::new("DELETE", &path).bearer(&token);
            world.call(&delete).await.unwrap().expect(204).unwrap();
        }
        let rest = async {
            while answer.chunk().await?.is_some() {}
            Ok::<(), reqwest::Error>(())
        };
        assert_eq!(rest.await.is_err(), cut);
    }
    assert_eq!(export(&world, &token, done["id"].as_str().unwrap(), "?what=breaks").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_exported_says_why() {
    let both = Both::start().await.unwrap();
    let owner = demo::add_user(&both.folder, "p@example.com", "preparer", "one").unwrap();
    let stranger = demo::add_user(&both.folder, "s@example.com", "admin", "two").unwrap();
    let world = &both.worlds[0].1;
    let token = demo::sign_in(world, &owner).await.unwrap();
    let failed = run(world, &token, mixed_dates(), &date_rules()).await.unwrap();
    assert_eq!(failed["status"], "failed", "{failed}");
    let id = failed["id"].as_str().unwrap();

    for (name, world) in &both.worlds {
        let problem = export(world, &token, id, "?what=matches").await.expect(409).unwrap();
        assert_eq!(problem["code"], "no_result", "{name}");
        assert!(problem["detail"].as_str().unwrap().contains("failed"), "{name} {problem}");
        for (query, pointer) in [
            ("", ""),
            ("?what=all", "/what"),
            ("?what=breaks&format=xml", "/format"),
            ("?what=breaks&limit=1", "/limit"),
        ] {
            let problem = export(world, &token, id, query).await.expect(400).unwrap();
            let told = (problem["code"].as_str(), problem["errors"][0]["pointer"].as_str());
            assert_eq!(told, (Some("invalid_parameter"), Some(pointer)), "{name} {query}");
        }
        let foreign = demo::sign_in(world, &stranger).await.unwrap();
        for id in [id, "0190b1a2-0000-7000-8000-000000000000"] {
            let problem = export(world, &foreign, id, "?what=breaks").await.expect(404).unwrap();
            assert_eq!(problem["code"], "not_found", "{name}");
        }
        let path = format!("/v1/reconciliations/{id}/export?what=breaks");
        assert_eq!(world.call(&Call::new("GET", &path)).await.unwrap().status, 401, "{name}");
    }
}
