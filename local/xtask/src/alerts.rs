//! `cargo xtask alerts`: each alert fires where it has to, stays silent where it nearly would, and leads to its runbook.

mod coverage;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{process, setup, workspace};

/// The rules, as they are deployed.
const RULE: &str = "infra/k8s/components/monitoring/prometheusrule.yaml";
/// Where promtool's cases lie.
const CASES: &str = "infra/monitoring/tests";
const RUNBOOKS: &str = "infra/monitoring/runbooks.md";
/// What each file of cases calls the rules, which lie beside it when promtool runs.
const RULES: &str = "rules.yaml";

pub(crate) fn run() -> Result<()> {
    let log = workspace::target()?.join("alerts.log");
    let outcome = suite(&log);
    if outcome.is_err() {
        println!("{}", fs::read_to_string(&log).unwrap_or_default());
    }
    println!("alerts: {}", outcome?);
    Ok(())
}

/// The same as a suite: promtool's words go to its log.
pub(crate) fn suite(log: &Path) -> Result<String> {
    setup::prepare_promtool()?;
    let root = workspace::root();
    let output = File::create(log).with_context(|| format!("create {}", log.display()))?;
    let rule = parse(&root.join(RULE))?;
    let files = case_files(&root.join(CASES))?;
    let mut cases = Vec::new();
    for file in &files {
        cases.push(parse(file)?);
    }
    let runbooks = fs::read_to_string(root.join(RUNBOOKS)).with_context(|| format!("read {RUNBOOKS}"))?;
    let covered = coverage::check(&rule, &cases, &runbooks);
    if !covered.complaints.is_empty() {
        bail!("complaints, {} of them:\n  {}", covered.complaints.len(), covered.complaints.join("\n  "));
    }
    let folder = workspace::target()?.join("alerts");
    lay_out(&folder, &rule, &files)?;
    promtool(&["check", "rules", "--lint=all", "--lint-fatal", RULES], &folder, &output)?;
    let names = files.iter().filter_map(|file| file.file_name()?.to_str());
    promtool(&["test", "rules"].into_iter().chain(names).collect::<Vec<_>>(), &folder, &output)?;
    Ok(format!("{} alerts, {} cases", covered.alerts, covered.cases))
}

fn parse(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("parse {}", path.display()))
}

/// In the order of their names.
fn case_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("list {}", folder.display()))?.path();
        if path.extension().is_some_and(|ending| ending == "yaml") {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Puts the rules, without the object around them, beside the cases. JSON is YAML too.
fn lay_out(folder: &Path, rule: &Value, files: &[PathBuf]) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("remove {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("create the folder {}", folder.display()))?;
    let rules = serde_json::to_string_pretty(&rule["spec"]).context("write the rules as JSON")?;
    fs::write(folder.join(RULES), rules).with_context(|| format!("write {RULES}"))?;
    for file in files {
        let name = file.file_name().with_context(|| format!("{} has no name", file.display()))?;
        fs::copy(file, folder.join(name)).with_context(|| format!("copy {}", file.display()))?;
    }
    Ok(())
}

/// Runs it beside the rules.
fn promtool(arguments: &[&str], folder: &Path, log: &File) -> Result<()> {
    let output = log.try_clone().context("share the log")?;
    let errors = log.try_clone().context("share the log")?;
    let mut command = Command::new("promtool");
    command.current_dir(folder).args(arguments).stdin(Stdio::null()).stdout(output).stderr(errors);
    process::succeed(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_promtool_refuses_is_a_failure() {
        if !process::is_there("promtool", &["--version"]) {
            println!("skipped: promtool is missing");
            return;
        }
        let check = |expression: &str, expected: bool| {
            let folder = tempfile::tempdir().unwrap();
            let rule = serde_json::json!({ "spec": { "groups": [
                { "name": "g", "rules": [{ "alert": "Down", "expr": expression }] },
            ] } });
            let cases = folder.path().join("cases.yaml");
            let text = "rule_files: [rules.yaml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    \
                        input_series: [{series: up, values: 0x5}]\n    \
                        alert_rule_test: [{alertname: Down, eval_time: 3m, exp_alerts: [{exp_labels: {}}]}]\n";
            fs::write(&cases, text).unwrap();
            let laid_out = folder.path().join("laid-out");
            lay_out(&laid_out, &rule, &[cases]).unwrap();
            let log = File::create(folder.path().join("log")).unwrap();
            let checked = promtool(&["check", "rules", RULES], &laid_out, &log);
            let tried = promtool(&["test", "rules", "cases.yaml"], &laid_out, &log);
            assert_eq!(checked.and(tried).is_ok(), expected, "{expression}");
        };
        check("up == 0", true);
        check("up == 1", false);
        check("up ==", false);
    }

    #[test]
    fn every_alert_is_covered() {
        let root = workspace::root();
        let rule = parse(&root.join(RULE)).unwrap();
        let files = case_files(&root.join(CASES)).unwrap();
        let cases: Vec<Value> = files.iter().map(|file| parse(file).unwrap()).collect();
        let covered = coverage::check(&rule, &cases, &fs::read_to_string(root.join(RUNBOOKS)).unwrap());
        assert_eq!(covered.complaints, Vec::<String>::new());
        assert!(covered.alerts > 0 && covered.cases >= 2 * covered.alerts);
    }
}
