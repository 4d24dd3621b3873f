//! kill -9 of `recon serve`: what was acknowledged is there after a restart, and the run gives the same digest.

use std::sync::Arc;

use recon_testkit::{Call, Folder, Server, World, demo};
use serde_json::json;

use crate::support::{only_on_sqlite, undisturbed};

/// Enough that an ingest and a run take long enough to be hit in the middle.
const ROWS: usize = 60_000;

const RULES: &str = r#"
[columns]
reference = { left = "ref", right = "ref", type = "text" }
amount = { left = "amount", right = "amount", type = "decimal" }
date = { left = "booked", right = "booked", type = "date" }
[[passes]]
name = "exact"
equal = ["reference", "amount", "date"]
[[passes]]
name = "late"
equal = ["reference"]
within = [{ column = "amount", absolute = "0.05" }, { column = "date", days_before = 0, days_after = 3 }]
"#;

/// One side: `ref,amount,booked`, the right one with drift and gaps.
fn side(right: bool) -> Vec<u8> {
    let mut text = String::from("ref,amount,booked\n");
    for n in 0..ROWS {
        let (mut cents, mut day) = (n * 7919 % 1_000_000 + 100, n % 27 + 1);
        if right && n % 11 == 0 {
            continue;
        }
        if right && n % 5 == 0 {
            cents += 3;
            day += 1;
        }
        text.push_str(&format!("R{n:07},{}.{:02},2026-03-{day:02}\n", cents / 100, cents % 100));
    }
    text.into_bytes()
}

async fn serve(folder: &Folder) -> World {
    World::Server(Server::start(folder).await.unwrap())
}

fn kill(world: World) {
    match world {
        World::Server(server) => server.kill().unwrap(),
        World::Functions(_) | World::Address(..) => unreachable!("only servers are killed here"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_it_acknowledged() {
    if only_on_sqlite(
        "there a worker of its own has the jobs, and those of a killed one wait for the end of their leases",
    ) {
        return;
    }
    let folder = Arc::new(Folder::new().unwrap());
    let expected = undisturbed(&folder, [&side(false), &side(true)], RULES);
    let world = serve(&folder).await;
    let account = demo::add_user(&folder, "a@example.com", "preparer", "w").unwrap();
    let token = demo::sign_in(&world, &account).await.unwrap();

    // Killed while an upload is under way: the dataset stays as it was, and the upload can be sent again.
    let left = demo::upload(&world, &token, "left", side(false)).await.unwrap();
    let create = Call::new("POST", "/v1/datasets").bearer(&token).key("create-right");
    let create = create.json(&json!({ "name": "right", "format": "auto", "options": {} }));
    let right = world.call(&create).await.unwrap().expect(201).unwrap();
    let right = right["id"].as_str().unwrap().to_owned();
    start_an_upload_that_does_not_end(&world, &token, &right).await;
    kill(world);

    let world = serve(&folder).await;
    let path = format!("/v1/datasets/{right}");
    let dataset = world.call(&Call::new("GET", &path).bearer(&token)).await.unwrap().expect(200).unwrap();
    assert_eq!(dataset["status"], "awaiting_upload", "the session and the dataset are there");
    let again = demo::upload(&world, &token, "right", side(true)).await.unwrap();
    assert_eq!(again, right, "the same key names the same dataset");

    // Killed right after both ingests were acknowledged.
    demo::complete(&world, &token, &left).await.unwrap();
    demo::complete(&world, &token, &right).await.unwrap();
    kill(world);

    let world = serve(&folder).await;
    for id in [&left, &right] {
        let dataset = demo::ingested(&world, &token, id).await.unwrap();
        assert_eq!(dataset["status"], "ready", "{dataset}");
    }

    // Killed while the run is under way.
    let rules = recon_contract::rules::toml_to_json(RULES).unwrap();
    let created = demo::reconcile(&world, &token, "run", (&left, &right), &rules).await.unwrap();
    let path = format!("/v1/reconciliations/{}", created["id"].as_str().unwrap());
    let running = demo::settled(&world, &token, &path, &["queued"]).await.unwrap();
    assert!(["running", "succeeded"].contains(&running["status"].as_str().unwrap()), "{running}");
    kill(world);

    let world = serve(&folder).await;
    let again = demo::reconcile(&world, &token, "run", (&left, &right), &rules).await.unwrap();
    assert_eq!(again, created, "a retry after the crash replays");
    let done = demo::settled(&world, &token, &path, &["queued", "running"]).await.unwrap();
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(done["summary"]["digest"], expected.as_str());
    let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap();
    assert!(
        log.contains("jobs of a process that was killed are taken up again"),
        "a job was hit in the middle"
    );
    let breaks = demo::all_items(&world, &token, &format!("{path}/breaks"), 500).await.unwrap();
    let broken = ["left", "right"].map(|side| done["summary"][side]["broken"].as_u64().unwrap());
    assert_eq!(u64::try_from(breaks.len()).unwrap(), broken.iter().sum::<u64>(), "each break once");
}

/// Sends the head and a part of the body, and leaves the connection open.
async fn start_an_upload_that_does_not_end(world: &World, token: &str, id: &str) {
    use tokio::io::AsyncWriteExt as _;
    let World::Server(server) = world else { unreachable!("only servers take sockets") };
    let host = server.address().trim_start_matches("http://");
    let mut socket = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "PUT /v1/datasets/{id}/content HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: text/csv\r\nContent-Length: 1000000\r\n\r\nref,amount,booked\nR1,1.00,2026-03-01\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    socket.flush().await.unwrap();
    // The server holds its half for as long as the process lives; the test's half goes with the task.
    tokio::spawn(async move {
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut socket, &mut rest).await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_ends_the_server_in_order() {
    let folder = Folder::new().unwrap();
    Server::start(&folder).await.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_same_file_is_refused_with_words() {
    if only_on_sqlite("several servers share a database there") {
        return;
    }
    let folder = Folder::new().unwrap();
    let _first = Server::start(&folder).await.unwrap();
    let output = folder.command("recon").unwrap().arg("serve").env("PORT", "0").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("already"), "{said}");
}
