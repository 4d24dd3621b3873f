//! What can be said of the files without running anything.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{COMPOSE, NGINX, PROMETHEUS, rules};
use crate::{process, python, workspace};

/// Holds them against the schema of compose files, Prometheus' own checker, and our rules.
pub(super) fn check() -> Result<String> {
    let root = workspace::root();
    let programs = python::infrastructure()?;
    let mut schema = Command::new(programs.join("check-jsonschema"));
    schema.args(["--builtin-schema", "vendor.compose-spec"]).arg(root.join(COMPOSE));
    told(&mut schema)?;
    let mut promtool = Command::new("promtool");
    let promtool = match process::is_there("promtool", &["--version"]) {
        true => told(promtool.args(["check", "config"]).arg(root.join(PROMETHEUS))).map(|()| "promtool")?,
        false => "no promtool",
    };
    let compose = parsed(COMPOSE)?;
    let complaints = rules::check(&rules::Files {
        compose: &compose,
        prometheus: &parsed(PROMETHEUS)?,
        nginx: &read(NGINX)?,
        readme: &read("README.md")?,
        object_store: &read("infra/k8s/components/object-store/kustomization.yaml")?,
    });
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n"));
    }
    let services = compose["services"].as_object().map_or(0, serde_json::Map::len);
    Ok(format!("{services} services keep schema and rules, {promtool}"))
}

/// A YAML file with its aliases and merges resolved.
fn parsed(file: &str) -> Result<Value> {
    serde_saphyr::from_str(&read(file)?).with_context(|| format!("parse {file}"))
}

/// Fails with what the command says, unless it succeeds.
fn told(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("start {}", process::line(command)))?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    bail!("{} ended with {}:\n{words}", process::line(command), output.status)
}

fn read(file: &str) -> Result<String> {
    fs::read_to_string(workspace::root().join(file)).with_context(|| format!("read {file}"))
}
