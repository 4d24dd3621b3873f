//! What can be said of the files without running anything.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{COMPOSE, NGINX, PROMETHEUS, rules};
use crate::{process, python, setup, workspace};

/// Holds them against the schema of compose files, Prometheus' own checker, and our rules.
pub(super) fn check() -> Result<String> {
    let root = workspace::root();
    let programs = python::infrastructure()?;
    let mut schema = Command::new(programs.join("check-jsonschema"));
    schema.args(["--builtin-schema", "vendor.compose-spec"]).arg(root.join(COMPOSE));
    told(&mut schema)?;
    setup::prepare_promtool()?;
    told(Command::new("promtool").args(["check", "config"]).arg(root.join(PROMETHEUS)))?;
    let compose = parsed(COMPOSE)?;
    let complaints = complaints(&compose)?;
    if !complaints.is_empty() {
        bail!("{}", complaints.join("\n"));
    }
    let services = compose["services"].as_object().map_or(0, serde_json::Map::len);
    Ok(format!("{services} services keep schema and rules"))
}

/// What breaks our own rules.
fn complaints(compose: &Value) -> Result<Vec<String>> {
    Ok(rules::check(&rules::Files {
        compose,
        prometheus: &parsed(PROMETHEUS)?,
        nginx: &read(NGINX)?,
        readme: &read("README.md")?,
        object_store: &read("infra/k8s/components/object-store/kustomization.yaml")?,
    }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stack_keeps_to_the_rules() {
        assert_eq!(complaints(&parsed(COMPOSE).unwrap()).unwrap(), Vec::<String>::new());
    }
}
