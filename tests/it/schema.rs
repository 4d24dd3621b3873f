//! Every process on a schema that is not its own: it waits, and says so.

use recon_testkit::{Folder, Postgres};
use serde_json::Value;

use crate::program::{Program, until};
use crate::support::{recon, said};

/// The schemas that no process works with: one that lacks its last step, and one of a version to come. Then one of a version
/// to come that still serves this one.
const OLDER: &str = "update schema_version set version = version - 1";
const FUTURE: &str = "update schema_version set version = 1000, min_compatible = 1000";
const SERVES: &str = "update schema_version set version = 1000, min_compatible = 1";

/// What each of those is called.
const WORDS: [(&str, &str); 2] =
    [(OLDER, "run `recon migrate`"), (FUTURE, "the schema is at version 1000 for builds from 1000 on")];

/// Runs a statement in a database.
type Run = Box<dyn Fn(&str)>;

/// A migrated folder on each database, and what runs a statement there.
fn folders() -> [(Folder, Run); 2] {
    let server = Postgres::shared().unwrap();
    let url = server.database(None).unwrap();
    let postgres = Folder::on(&url).unwrap();
    let place = tempfile::tempdir().unwrap().keep();
    let file = place.join("recon.sqlite");
    let sqlite = Folder::on(&format!("sqlite://{}", file.display())).unwrap();
    for folder in [&postgres, &sqlite] {
        folder.recon(&["migrate"]).unwrap();
    }
    let on_postgres = move |statement: &str| drop(server.run_in(&url, statement).unwrap());
    let on_sqlite = move |statement: &str| {
        let ran = std::process::Command::new("python3")
            .args([
                "-c",
                "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()",
            ])
            .arg(&file)
            .arg(statement)
            .status()
            .unwrap();
        assert!(ran.success());
    };
    [(postgres, Box::new(on_postgres)), (sqlite, Box::new(on_sqlite))]
}

fn code(ready: &Option<(u16, Value)>) -> Option<(u16, &str)> {
    ready.as_ref().map(|(status, document)| (*status, document["code"].as_str().unwrap_or("none")))
}

/// A running worker, beside a server that may be one itself.
fn worker(folder: &Folder) -> Program {
    Program::spawn(folder, folder.command("worker").unwrap(), 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_process_works_on_a_schema_that_is_not_its_own_and_each_says_so() {
    for (folder, run) in folders() {
        let server = Program::start(&folder, "serve", &[]);
        server.until_ready().await;
        for (statement, words) in WORDS {
            run(statement);
            let refused = Some((503, "incompatible_schema"));
            let says = |ready: &Option<(u16, Value)>| {
                let detail = ready.as_ref().map(|(_, document)| document["detail"].to_string());
                code(ready) == refused && detail.is_some_and(|detail| detail.contains(words))
            };
            until("a server that is not ready", async || says(&server.ready().await)).await;
            until("its admin port, which says the same", async || says(&server.admin_ready().await)).await;
            assert!(server.log().contains(words), "{}", server.log());

            let worker = worker(&folder);
            until("a worker that is not ready", async || says(&worker.admin_ready().await)).await;
            until("a worker that waits", async || worker.log().contains("worker waits")).await;
            assert!(worker.log().contains(words), "{}", worker.log());

            let swept = recon(&folder, &["sweep"]).unwrap();
            assert_eq!((swept.status.code(), swept.stdout.len()), (Some(2), 0), "{}", said(&swept));
            assert!(said(&swept).contains("nothing is swept: ") && said(&swept).contains(words));

            // One to come that serves this one is as good as its own.
            run(SERVES);
            server.until_ready().await;
            until("a worker that works", async || worker.log().contains("takes jobs again")).await;
            until("a worker that is ready", async || {
                worker.admin_ready().await.is_some_and(|(status, _)| status == 200)
            })
            .await;
            assert!(recon(&folder, &["sweep"]).unwrap().status.success());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_runs_notices_a_schema_that_came_meanwhile() {
    for (folder, run) in folders() {
        let worker = worker(&folder);
        until("a worker that is ready", async || {
            worker.admin_ready().await.is_some_and(|(status, _)| status == 200)
        })
        .await;
        run(FUTURE);
        until("a worker that waits", async || worker.log().contains("worker waits")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_from_the_future_is_left_alone_by_what_starts_on_it() {
    for (folder, run) in folders() {
        run(FUTURE);
        let migrated = recon(&folder, &["migrate"]).unwrap();
        assert_eq!(migrated.status.code(), Some(2), "{}", said(&migrated));
        assert!(
            said(&migrated).contains("schema version 1000 is newer than this build's"),
            "{}",
            said(&migrated)
        );
        let mut server = Program::start(&folder, "serve", &[]);
        if folder.environment().iter().any(|(_, value)| value.starts_with("sqlite:")) {
            // It would have migrated the file first, and is alone on it.
            assert_eq!(server.end().await.code(), Some(2));
            assert!(server.last_line().contains("schema version 1000 is newer"), "{}", server.log());
            continue;
        }
        until("a server that says so", async || {
            code(&server.ready().await) == Some((503, "incompatible_schema"))
        })
        .await;
        assert!(server.log().contains("not ready: the schema is at version 1000"), "{}", server.log());
        assert!(server.ended().is_none());
    }
}
