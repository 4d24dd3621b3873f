//! What these tests share.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use recon_testkit::alb::Headers;
use recon_testkit::{Folder, Functions, Server, World, demo};
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
        let folder = Arc::new(Folder::new()?);
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
