//! The way of two files to a result, for a client that keeps to its contract while processes die.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use recon_testkit::{Call, Folder, Postgres, Reply, Server, World, demo};
use serde_json::{Value, json};
use tokio::time::sleep;

/// How long a request is repeated, or a job waited for.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a process may take to die.
const DEATH_MAX: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);
const SIGKILL: i32 = 9;
/// Pairs of rows that match.
const PAIRS: usize = 500;
/// Rows without a partner, which with their notes are more than one batch of breaks.
const ALONE: usize = 2_500;
const NOTE_BYTES: usize = 600;
/// A batch of breaks is full with so many bytes.
const BREAK_BATCH_BYTES: usize = recon_store::BREAK_BATCH_BYTES;

const RULES: &str = r#"
[columns]
reference = { left = "ref", right = "ref", type = "text" }
note = { left = "note", right = "note", type = "text" }
amount = { left = "amount", right = "amount", type = "decimal" }
[[passes]]
name = "exact"
equal = ["reference", "amount"]
"#;

/// What a client is told in the end.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    pub(super) digest: String,
    /// Each break, but for its id.
    pub(super) breaks: Vec<Value>,
}

/// Goes all the way while a process is killed at this point.
///
/// # Errors
/// When anything is not as it should be, or the point was never reached.
pub(super) async fn through(point: Option<&str>) -> Result<Told> {
    let folder = Folder::new()?;
    let armed = point.map_or_else(String::new, |point| format!("{point}=return(kill)"));
    let temporary = folder.path().to_str().context("the folder has no name")?.to_owned();
    // Killed processes leave their temporary files.
    let variables = [("FAILPOINTS", armed.as_str()), ("TMPDIR", temporary.as_str())];
    let server = Server::start_with(&folder, &variables).await?;
    let account = demo::add_user(&folder, "a@example.com", "preparer", "w")?;
    let mut client =
        Client { world: World::Server(server), folder, token: String::new(), deaths: Vec::new() };
    client.token = demo::sign_in(&client.world, &account).await?;

    let acknowledged = client.run().await?;
    let told = client.told(&acknowledged).await?;
    // One that is killed after its last word may still be there.
    let begun = Instant::now();
    while point.is_some() && client.deaths.is_empty() && begun.elapsed() < DEATH_MAX {
        sleep(PAUSE).await;
        client.revive().await?;
    }
    let killed = client.deaths.iter().filter(|status| status.signal() == Some(SIGKILL)).count();
    ensure!(killed == client.deaths.len(), "processes ended otherwise: {:?}", client.deaths);
    ensure!(killed == usize::from(point.is_some()), "{killed} processes were killed: was the point reached?");
    Ok(told)
}

/// Requests with a key, and what each was answered first.
struct Acknowledged {
    requests: Vec<(Call, Reply)>,
    reconciliation: String,
}

struct Client {
    world: World,
    folder: Folder,
    token: String,
    /// How processes ended.
    deaths: Vec<ExitStatus>,
}

impl Client {
    /// Two uploads, two ingests, a run.
    async fn run(&mut self) -> Result<Acknowledged> {
        let mut requests = Vec::new();
        let mut ids = Vec::new();
        for side in ["left", "right"] {
            let body = json!({ "name": side, "format": "auto", "options": {} });
            let create = self.keyed("/v1/datasets", &format!("create-{side}"), &body);
            let created = self.ask(&create, 201).await?;
            let id = id(&created)?;
            requests.push((create, created));

            let put = self.call("PUT", &format!("/v1/datasets/{id}/content"));
            self.ask(&put.header("content-type", "text/csv").bytes(file(side)), 204).await?;
            let path = format!("/v1/datasets/{id}/complete");
            let complete = self.keyed(&path, &format!("complete-{side}"), &json!({ "sha256": null }));
            let completed = self.ask(&complete, 202).await?;
            requests.push((complete, completed));
            ids.push(id);
        }
        for id in &ids {
            let dataset = self.settled(&format!("/v1/datasets/{id}"), &["ingesting"]).await?;
            ensure!(dataset["status"] == "ready", "{dataset}");
        }
        let rules = recon_contract::rules::toml_to_json(RULES)?;
        let body = json!({ "name": "r", "left": ids[0], "right": ids[1], "rules": rules });
        let create = self.keyed("/v1/reconciliations", "run", &body);
        let created = self.ask(&create, 202).await?;
        let reconciliation = id(&created)?;
        requests.push((create, created));
        Ok(Acknowledged { requests, reconciliation })
    }

    /// The result, when it is there and everything that was acknowledged is.
    async fn told(&mut self, acknowledged: &Acknowledged) -> Result<Told> {
        let path = format!("/v1/reconciliations/{}", acknowledged.reconciliation);
        let done = self.settled(&path, &["queued", "running"]).await?;
        ensure!(done["status"] == "succeeded", "{done}");
        for (call, first) in &acknowledged.requests {
            let again = self.ask(call, first.status).await?;
            ensure!(again.header("idempotency-replayed") == Some("true"), "{} ran again", call.path);
            let same = (&again.body, again.header("location")) == (&first.body, first.header("location"));
            ensure!(same, "{}: {first:?} became {again:?}", call.path);
        }
        for (list, count) in [("/v1/datasets", 2), ("/v1/reconciliations", 1)] {
            let items = self.all_items(list).await?;
            ensure!(items.len() == count, "{list} has {} items and not {count}", items.len());
        }
        let mut breaks = self.all_items(&format!("{path}/breaks")).await?;
        let bytes: usize = breaks.iter().map(|found| found["values"].to_string().len()).sum();
        ensure!(
            bytes > BREAK_BATCH_BYTES,
            "{bytes} bytes of breaks are one batch: nothing is between batches"
        );
        for found in &mut breaks {
            found.as_object_mut().context("a break is no object")?.remove("id");
        }
        let digest = done["summary"]["digest"].as_str().context("no digest")?.to_owned();
        Ok(Told { digest, breaks })
    }

    fn call(&self, method: &str, path: &str) -> Call {
        Call::new(method, path).bearer(&self.token)
    }

    fn keyed(&self, path: &str, key: &str, body: &Value) -> Call {
        self.call("POST", path).key(key).json(body)
    }

    /// Asks until there is an answer, and expects this status of it.
    async fn ask(&mut self, call: &Call, status: u16) -> Result<Reply> {
        let begun = Instant::now();
        loop {
            let asked = self.world.call(call).await;
            match asked {
                Ok(reply) if is_for_later(&reply) => {}
                Ok(reply) => {
                    reply.expect(status).with_context(|| format!("{} {}", call.method, call.path))?;
                    return Ok(reply);
                }
                Err(error) if begun.elapsed() > PATIENCE => return Err(error),
                Err(_) => {}
            }
            ensure!(begun.elapsed() < PATIENCE, "{} is not answered", call.path);
            sleep(PAUSE).await;
            self.revive().await?;
        }
    }

    /// Asks for a state until it is none of these.
    async fn settled(&mut self, path: &str, passing: &[&str]) -> Result<Value> {
        let begun = Instant::now();
        loop {
            let found = self.ask(&self.call("GET", path), 200).await?.json()?;
            if !passing.contains(&found["status"].as_str().unwrap_or_default()) {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                bail!("{path} is still {}", found["status"]);
            }
            sleep(PAUSE).await;
            self.revive().await?;
        }
    }

    /// Every item of a list, page by page.
    async fn all_items(&mut self, path: &str) -> Result<Vec<Value>> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let call = self.call("GET", &format!("{path}?limit=500{cursor}"));
            let page = self.ask(&call, 200).await?.json()?;
            items.extend(page["items"].as_array().context("no items")?.iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(items),
            }
        }
    }

    /// Starts again what has ended.
    async fn revive(&mut self) -> Result<()> {
        let World::Server(server) = &mut self.world else { bail!("only servers are killed here") };
        let ended = server.revive(&self.folder).await?;
        if !ended.is_empty() && Folder::is_postgres()? {
            // As if the time of its leases had passed: a worker that was killed renews none.
            let variables = self.folder.environment();
            let database =
                variables.iter().find(|(name, _)| *name == "DATABASE_URL").context("no database")?;
            let expire = "update jobs set lease_until = 0 where state = 'running'";
            Postgres::shared()?.run_in(&database.1, expire)?;
        }
        self.deaths.extend(ended);
        Ok(())
    }
}

/// What a client asks again for, with the same key.
fn is_for_later(reply: &Reply) -> bool {
    let in_progress = || reply.json().is_ok_and(|body| body["code"] == "idempotency_key_in_progress");
    matches!(reply.status, 429 | 502..=504) || (reply.status == 409 && in_progress())
}

fn id(reply: &Reply) -> Result<String> {
    Ok(reply.json()?["id"].as_str().context("no id")?.to_owned())
}

/// One side: `ref,amount,note`. The rows without a partner are on the left.
fn file(side: &str) -> Vec<u8> {
    let mut text = String::from("ref,amount,note\n");
    let rows = if side == "left" { PAIRS + ALONE } else { PAIRS };
    for n in 0..rows {
        let note = format!("{n:05} {}", "x".repeat(NOTE_BYTES));
        text.push_str(&format!("R{n:05},{}.{:02},{note}\n", n * 7 % 1000 + 1, n % 100));
    }
    text.into_bytes()
}
