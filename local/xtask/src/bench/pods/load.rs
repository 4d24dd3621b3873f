//! What the clients of the bench do.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

use crate::readme_session::Account;
use crate::up::client::{Client, text};
use crate::up::load::settled;

/// Clients with usual requests.
pub(super) const CLIENTS: usize = 4;
/// How long a load of requests lasts.
const LOAD: Duration = Duration::from_secs(15);
/// How long a job of the largest files may take.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// Bytes of an upload that goes through the server.
const UPLOAD_BYTES: usize = 32 * 1024 * 1024;
/// Until a client asks again that was told to wait.
const PAUSE: Duration = Duration::from_millis(100);

/// A signed-in client, and how to get more of them.
pub(super) struct Load<'a> {
    account: &'a Account,
    client: Client,
}

/// Something that is done over and over.
type Act<'a> = &'a (dyn Fn(&Client) -> Result<()> + Sync);

impl<'a> Load<'a> {
    pub(super) fn new(account: &'a Account) -> Result<Self> {
        Ok(Self { account, client: signed_in(account)? })
    }

    /// Uploads both files of a pair; the answer is their ids.
    pub(super) fn upload(&self, pair: &Path) -> Result<[String; 2]> {
        let mut ids = [String::new(), String::new()];
        for (file, id) in ["left.csv", "right.csv"].iter().zip(&mut ids) {
            let bytes = fs::read(pair.join(file)).with_context(|| format!("read {file}"))?;
            *id = upload(&self.client, file, &bytes)?;
        }
        Ok(ids)
    }

    /// Has uploads read, all at the same time.
    pub(super) fn ingest(&self, ids: &[String]) -> Result<()> {
        for id in ids {
            let path = format!("/v1/datasets/{id}/complete");
            self.client.post(&path, &json!({}), &format!("complete-{id}"))?;
        }
        for id in ids {
            settled(&self.client, &format!("/v1/datasets/{id}"), &["ingesting"], "ready", PATIENCE)?;
        }
        Ok(())
    }

    /// Reconciles both two times beside each other; the answer is the id of one.
    pub(super) fn reconcile_twice(&self, pair: &Path, [left, right]: &[String; 2]) -> Result<String> {
        let rules = fs::read_to_string(pair.join("rules.toml")).context("read the rules")?;
        let rules: Value = toml::from_str(&rules).context("parse the rules")?;
        let start = |name: &str| {
            let body = json!({"name": name, "left": left, "right": right, "rules": rules});
            let accepted = self.client.post("/v1/reconciliations", &body, name)?;
            text(&accepted, "/id").map(str::to_owned)
        };
        let (first, second) = (start("first")?, start("second")?);
        for id in [&first, &second] {
            let path = format!("/v1/reconciliations/{id}?wait=20");
            settled(&self.client, &path, &["queued", "running"], "succeeded", PATIENCE)?;
        }
        Ok(first)
    }

    /// Lists, reads and creates; the answer is how many requests were answered.
    pub(super) fn usual(&self) -> Result<u64> {
        static KEYS: AtomicU64 = AtomicU64::new(0);
        let until = Instant::now() + LOAD;
        let each = || -> Result<u64> {
            let client = signed_in(self.account)?;
            let mut answered = 1;
            while Instant::now() < until {
                let key = format!("usual-{}", KEYS.fetch_add(1, Ordering::Relaxed));
                let created = client.post("/v1/datasets", &json!({"name": key}), &key)?;
                client.get(&format!("/v1/datasets/{}", text(&created, "/id")?))?;
                client.get("/v1/datasets?limit=20")?;
                client.get("/v1/sessions/current")?;
                answered += 4;
            }
            Ok(answered)
        };
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(each)).collect();
            clients.into_iter().map(|client| client.join().map_err(|_| anyhow!("a client panicked"))?).sum()
        })
    }

    /// Everything that takes memory at once, for as long as a load lasts; the answer says what it was.
    pub(super) fn heaviest(&self, [left, right]: &[String; 2], reconciliation: &str) -> Result<String> {
        let until = Instant::now() + LOAD;
        let bytes = vec![b'a'; UPLOAD_BYTES];
        let pair = json!({"left": left, "right": right});
        let matches = format!("/v1/reconciliations/{reconciliation}/matches?limit=500");
        let rows = format!("/v1/datasets/{left}/rows?limit=500");
        let uploads = AtomicU64::new(0);
        let upload_one = |client: &Client| {
            upload(client, &format!("heavy-{}", uploads.fetch_add(1, Ordering::Relaxed)), &bytes).map(drop)
        };
        let kinds: [(&str, usize, Act<'_>); 4] = [
            ("sign-ins", 6, &|_| signed_in(self.account).map(drop)),
            ("suggestions", 3, &|client| client.post("/v1/rules/suggest", &pair, "suggest").map(drop)),
            ("uploads", 8, &upload_one),
            ("pages", 6, &|client| client.get(&matches).and_then(|_| client.get(&rows)).map(drop)),
        ];
        thread::scope(|scope| {
            let start = |act| scope.spawn(move || repeat(self.account, until, act));
            let running =
                kinds.map(|(name, count, act)| (name, (0..count).map(|_| start(act)).collect::<Vec<_>>()));
            let mut words = Vec::new();
            for (name, clients) in running {
                let (mut answered, mut refused) = (0, 0);
                for client in clients {
                    let (yes, no): (u64, u64) = client.join().map_err(|_| anyhow!("a client panicked"))??;
                    answered += yes;
                    refused += no;
                }
                ensure!(answered + refused > 0, "nobody asked for {name}, so nothing was measured of them");
                words.push(format!("{answered} {name} ({refused} told to wait)"));
            }
            Ok(words.join(", "))
        })
    }
}

fn signed_in(account: &Account) -> Result<Client> {
    let mut client = Client::new(&account.url);
    client.sign_in(&account.email, &account.password)?;
    Ok(client)
}

/// A dataset with its content, not yet read; the answer is its id.
fn upload(client: &Client, name: &str, bytes: &[u8]) -> Result<String> {
    let created = client.post("/v1/datasets", &json!({"name": name}), &format!("create-{name}"))?;
    client.put(&created["upload"], bytes)?;
    Ok(text(&created, "/id")?.to_owned())
}

/// Does something until a point in time: how often it was done, and how often the server had no room for it.
fn repeat(account: &Account, until: Instant, act: Act<'_>) -> Result<(u64, u64)> {
    let mut client = None;
    let (mut answered, mut refused) = (0, 0);
    while Instant::now() < until {
        let done = match &client {
            Some(client) => act(client).map(|()| answered += 1),
            // Where everybody signs in, some are told to wait.
            None => signed_in(account).map(|signed_in| client = Some(signed_in)),
        };
        match done {
            Ok(()) => {}
            Err(error) if format!("{error:#}").contains(": 503 ") => {
                refused += 1;
                thread::sleep(PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((answered, refused))
}
