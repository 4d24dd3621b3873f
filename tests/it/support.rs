//! What these tests share.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use recon_runtime::Environment;
use recon_store::{Removed, Store};
use recon_testkit::alb::Headers;
use recon_testkit::{Call, Folder, Functions, Server, World, demo};
use serde_json::Value;

/// The demo folder of the workspace.
pub(crate) fn demo_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../local/demo")
}

/// The demo's rules as JSON, as clients send them.
pub(crate) fn demo_rules() -> Value {
    let text = std::fs::read_to_string(demo_folder().join("rules.toml")).unwrap();
    recon_contract::rules::toml_to_json(&text).unwrap()
}

/// A file of the demo.
pub(crate) fn demo_file(name: &str) -> Vec<u8> {
    std::fs::read(demo_folder().join(name)).unwrap()
}

/// Runs `recon` with these arguments, whatever its exit status.
pub(crate) fn recon(folder: &Folder, arguments: &[&str]) -> Result<Output> {
    folder.command("recon")?.args(arguments).output().context("run recon")
}

/// What it printed on standard output.
pub(crate) fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it said on standard error.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Reconciles two files into `out` with these further arguments and returns the exit code and summary.
pub(crate) fn match_into(
    folder: &Folder,
    files: [&Path; 3],
    out: &Path,
    arguments: &[&str],
) -> Result<(Option<i32>, Value)> {
    let [left, right, rules] = files.map(|path| path.to_str().unwrap());
    let mut all = vec!["match", left, right, "--rules", rules, "--out", out.to_str().unwrap()];
    all.extend(arguments);
    let output = recon(folder, &all)?;
    let summary = std::fs::read(out.join("summary.json")).with_context(|| said(&output))?;
    Ok((output.status.code(), serde_json::from_slice(&summary)?))
}

/// The digest of a reconciliation of these two sides by these rules that nothing disturbs.
pub(crate) fn undisturbed(folder: &Folder, sides: [&[u8]; 2], rules: &str) -> String {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let [left, right] =
        [("left.csv", sides[0]), ("right.csv", sides[1])].map(|(name, side)| write(name, side));
    let rules = write("rules.toml", rules.as_bytes());
    let out = folder.path().join("out");
    let (_, summary) = match_into(folder, [&left, &right, &rules], &out, &[]).unwrap();
    summary["digest"].as_str().unwrap().to_owned()
}

/// Checks that a summary conserves rows and amounts on both sides.
pub(crate) fn assert_conserved(summary: &Value) {
    let number = |value: &Value| value.as_u64().unwrap();
    for side in ["left", "right"] {
        let counts = &summary[side];
        let parts = number(&counts["matched"]) + number(&counts["suggested"]) + number(&counts["broken"]);
        assert_eq!(number(&counts["rows"]), parts, "{side}: {counts}");
    }
    let broken = number(&summary["left"]["broken"]) + number(&summary["right"]["broken"]);
    let by_kind: u64 = summary["breaks"].as_object().unwrap().values().map(number).sum();
    assert_eq!(broken, by_kind, "breaks by kind");
    for totals in summary["control_totals"].as_array().unwrap() {
        for side in ["left", "right"] {
            let cents = |name: &str| {
                let text = totals[side][name].as_str().unwrap().replace('.', "");
                text.parse::<i128>().unwrap()
            };
            let parts = cents("matched") + cents("suggested") + cents("broken");
            assert_eq!(cents("input"), parts, "{side}: {totals}");
        }
    }
}

/// Uploads the demo's two files and waits until they can be reconciled.
pub(crate) async fn ready_pair(world: &World, token: &str) -> Result<[String; 2]> {
    let mut ids = [String::new(), String::new()];
    for (id, name) in ids.iter_mut().zip(["bank.csv", "ledger.csv"]) {
        *id = demo::upload(world, token, name, demo_file(name)).await?;
        demo::complete(world, token, id).await?;
        demo::ingested(world, token, id).await?;
    }
    Ok(ids)
}

/// The same data served both ways: by `recon serve`, and by the function binaries with their jobs worked off
/// by a server beside them on the same files.
pub(crate) struct Both {
    pub(crate) folder: Arc<Folder>,
    pub(crate) worlds: [(&'static str, World); 3],
}

impl Both {
    pub(crate) async fn start() -> Result<Self> {
        Self::start_with(&[]).await
    }

    /// With these variables besides, for all of them.
    pub(crate) async fn start_with(variables: &[(&'static str, &str)]) -> Result<Self> {
        let folder = Arc::new(Folder::with(variables)?);
        let server = Server::start(&folder).await?;
        let functions = |headers| World::Functions(Functions::new(folder.clone(), headers));
        let worlds = [
            ("server", World::Server(server)),
            ("functions, single-value headers", functions(Headers::Single)),
            ("functions, multi-value headers", functions(Headers::Multi)),
        ];
        Ok(Self { folder, worlds })
    }
}

/// What a test could not do here. The suite that ran it tells so: what a test that passes prints, nobody sees.
pub(crate) fn skipped(why: &str) {
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped.txt");
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(place).unwrap();
    writeln!(file, "{test}: {why}").unwrap();
}

/// Whether a test is about a SQLite file, and this run is about PostgreSQL: then it has nothing to say.
#[expect(clippy::print_stdout, reason = "what a skipped test says belongs beside its name")]
pub(crate) fn only_on_sqlite(why: &str) -> bool {
    let other = Folder::is_postgres().unwrap();
    if other {
        println!("skipped on PostgreSQL: {why}");
    }
    other
}

/// The store of this folder, beside the processes that use it.
pub(crate) fn store(folder: &Folder) -> Store {
    let variables = folder.environment();
    let environment = Environment::of(["DATABASE_URL", "OBJECT_URL"].map(|name| {
        let (_, value) = variables.iter().find(|(known, _)| *known == name).unwrap();
        (name, value.as_str())
    }));
    Store::open(&recon_runtime::store_config(&environment).unwrap())
}

/// Checks that nothing is stored of a reconciliation: no object, and no break of any attempt.
pub(crate) async fn assert_nothing_is_left(folder: &Folder, reconciliation: &str) {
    let objects = folder.path().join("objects/reconciliations").join(reconciliation);
    assert_eq!(files_below(&objects), Vec::<PathBuf>::new());
    let id = reconciliation.parse().unwrap();
    // What is removed now was there before.
    let removed = store(folder).leftovers().remove(id, std::time::Duration::from_secs(60)).await.unwrap();
    assert_eq!(removed, Removed { breaks: 0, objects: 0, all: true }, "{reconciliation}");
}

/// Every file below a folder, which need not be there.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files_below(&path) } else { vec![path] }
        })
        .collect()
}

/// Two files that take minutes to reconcile by [`endless_rules`]: every row must be looked at with every other.
pub(crate) async fn endless_pair(world: &World, token: &str) -> Result<[String; 2]> {
    const ROWS: usize = 12_000;
    let mut ids = [String::new(), String::new()];
    for (id, (name, word)) in ids.iter_mut().zip([("endless-left", "sent"), ("endless-right", "got")]) {
        let mut text = String::from("amount,note\n");
        for n in 0..ROWS {
            let (a, b, c) = (n * 7919 % 99_991, n * 104_729 % 99_989, n * 1_299_709 % 99_971);
            text.push_str(&format!("10.00,transfer {a:05} {word} by order {b:05} of account {c:05}\n"));
        }
        *id = demo::upload(world, token, name, text.into_bytes()).await?;
        demo::complete(world, token, id).await?;
        demo::ingested(world, token, id).await?;
    }
    Ok(ids)
}

/// Rules for [`endless_pair`].
pub(crate) fn endless_rules() -> Value {
    serde_json::json!({
        "default_currency": "EUR",
        "columns": {
            "amount": { "left": "amount", "right": "amount", "type": "decimal" },
            "note": { "left": "note", "right": "note", "type": "text" },
        },
        "passes": [{
            "name": "near",
            "within": [{ "column": "amount", "absolute": "1.00" }],
            "similar": [{ "column": "note", "at_least": 9500, "measure": "edit" }],
        }],
    })
}

/// Waits until a reconciliation is in this phase.
pub(crate) async fn reaches(world: &World, token: &str, id: &str, phase: &str) -> Result<()> {
    let path = format!("/v1/reconciliations/{id}");
    let started = std::time::Instant::now();
    loop {
        let found = world.call(&Call::new("GET", &path).bearer(token)).await?.expect(200)?;
        if found["progress"]["phase"] == phase {
            return Ok(());
        }
        anyhow::ensure!(found["progress"]["phase"] != "done", "it ended before it was {phase}: {found}");
        anyhow::ensure!(started.elapsed().as_secs() < 120, "it is never {phase}: {found}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}
