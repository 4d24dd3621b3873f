//! Other people's programs: each sees what the policies do not ask.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, anyhow};
use serde_json::json;

use super::known::Known;
use super::objects::{self, Manifests, Object};
use super::policy;
use super::render::NAMESPACE_FILE;
use super::{Rendered, Report};
use crate::{process, setup, workspace};

/// The versions of Kubernetes that the manifests are for, and the next one.
const KUBERNETES: [&str; 4] = ["1.34", "1.35", "1.36", "1.37"];
/// The groups that Kubernetes itself has, of those in use.
const BUILT_IN: [&str; 10] = [
    "",
    "apps",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "discovery.k8s.io",
];
/// Lies beside the project in some places, and is not part of it.
const CHECK_MANIFESTS: &str = "../shared/tools/check-manifests";
const CHECKOV_CONFIG: &str = "infra/.checkov.yaml";
const YAMLLINT_CONFIG: &str = "infra/.yamllint.yaml";
/// Where YAML is written by hand.
const YAML: [&str; 2] = ["infra", "local"];
const DOCKERFILE: &str = "infra/images/Dockerfile";
/// Folders in which no script is ours.
const NOT_OURS: [&str; 4] = [".git", "target", "node_modules", "out"];

/// One program and the name under which it complains.
type Check = (String, Command);

/// Runs all of them over everything that was rendered, side by side: most of their time is their start.
pub(super) fn run(programs: &Path, rendered: &[Rendered], report: &mut Report) -> Result<()> {
    let root = workspace::root();
    let folder = workspace::target()?.join("manifests");
    fs::create_dir_all(&folder).with_context(|| format!("create {}", folder.display()))?;
    let mut files = vec![root.join(NAMESPACE_FILE)];
    for overlay in rendered {
        files.push(keep(&folder.join(format!("{}.yaml", overlay.name)), &overlay.text)?);
    }
    let mut checks = vec![checkov(programs, &root, &files)];
    checks.extend(built_in(programs, &folder, &files)?);
    checks.extend(custom(programs, &root, &files, report));
    checks.push(queries(&folder, rendered)?);
    checks.extend(files_of_the_project(programs, &root)?);
    let outcomes: Vec<Result<Option<String>>> = thread::scope(|scope| {
        let running: Vec<_> = checks.into_iter().map(|check| scope.spawn(move || judge(check))).collect();
        let ended = running.into_iter().map(|one| one.join());
        ended.map(|one| one.unwrap_or_else(|_| Err(anyhow!("a validator's thread panicked")))).collect()
    });
    for outcome in outcomes {
        report.complaints.extend(outcome?);
    }
    Ok(())
}

fn keep(path: &Path, text: &str) -> Result<PathBuf> {
    fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    Ok(path.to_owned())
}

/// Runs a program; where it fails, what it said is a complaint.
fn judge((name, mut command): Check) -> Result<Option<String>> {
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("start {}", process::line(&command)))?;
    if output.status.success() {
        return Ok(None);
    }
    let words = [output.stdout, output.stderr].map(|words| String::from_utf8_lossy(&words).trim().to_owned());
    Ok(Some(format!("{name}: {}", words.join("\n").trim())))
}

/// Strictly: a field that Kubernetes does not know is a mistake, not an extension.
fn built_in(programs: &Path, folder: &Path, files: &[PathBuf]) -> Result<Vec<Check>> {
    let mut kept = Vec::new();
    for file in files {
        let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
        let all = objects::read(&text)?;
        let own = all.iter().filter(|object| BUILT_IN.contains(&object.group()));
        let documents: String = own.map(|object| format!("---\n{}\n", object.0)).collect();
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        kept.push(keep(&folder.join(format!("{name}.built-in.yaml")), &documents)?);
    }
    let checks = KUBERNETES.map(|version| {
        let mut command = Command::new(programs.join("kubernetes-validate"));
        command.args(["--strict", "--quiet", "--kubernetes-version", version]).args(&kept);
        (format!("kubernetes-validate {version}"), command)
    });
    Ok(checks.into())
}

/// Custom resources against their definitions, which are not part of this project.
fn custom(programs: &Path, root: &Path, files: &[PathBuf], report: &mut Report) -> Option<Check> {
    let program = root.join(CHECK_MANIFESTS);
    if !program.is_file() {
        report
            .notes
            .push("custom resources were not held against their schemas, which are not here".to_owned());
        return None;
    }
    let mut command = Command::new(programs.join("python"));
    command.arg(program).args(files);
    Some(("check-manifests".to_owned(), command))
}

/// Every query in the eyes of Prometheus: those of triggers are written as rules for it.
fn queries(folder: &Path, rendered: &[Rendered]) -> Result<Check> {
    setup::prepare_promtool()?;
    let mut command = Command::new("promtool");
    command.args(["check", "rules"]);
    for overlay in rendered {
        let manifests = Manifests { objects: objects::read(&overlay.text)?, known: Known::default() };
        let rules: Vec<_> = policy::queries(&manifests)
            .into_iter()
            .enumerate()
            .map(|(index, (object, _, query))| json!({"record": record(object, index), "expr": query}))
            .collect();
        let document = json!({"groups": [{"name": "queries", "rules": rules}]});
        command.arg(keep(&folder.join(format!("{}.queries.yaml", overlay.name)), &document.to_string())?);
    }
    Ok(("promtool".to_owned(), command))
}

/// A name by which a query is found again in promtool's words.
fn record(object: &Object, index: usize) -> String {
    let plain = object.label().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    format!("{plain}_{index}")
}

fn checkov(programs: &Path, root: &Path, files: &[PathBuf]) -> Check {
    let mut command = Command::new(programs.join("checkov"));
    command.current_dir(root);
    // Both look things up on the network where they may.
    command.env("CKV_SKIP_PACKAGE_UPDATE_CHECK", "true").arg("--skip-download");
    command.args(["--framework", "kubernetes", "--quiet", "--compact"]);
    command.arg("--config-file").arg(root.join(CHECKOV_CONFIG));
    for file in files {
        command.arg("--file").arg(file);
    }
    ("checkov".to_owned(), command)
}

/// What is written by hand: YAML, scripts, the Dockerfile.
fn files_of_the_project(programs: &Path, root: &Path) -> Result<Vec<Check>> {
    let command = |name: &str| {
        let mut command = Command::new(programs.join(name));
        command.current_dir(root);
        (name.to_owned(), command)
    };
    let mut yamllint = command("yamllint");
    yamllint.1.args(["--strict", "--format", "parsable", "--config-file", YAMLLINT_CONFIG]).args(YAML);
    let mut shellcheck = command("shellcheck");
    shellcheck.1.arg("--format=gcc").args(scripts(root)?);
    let mut hadolint = command("hadolint");
    hadolint.1.arg("--no-color").arg(DOCKERFILE);
    Ok(vec![yamllint, shellcheck, hadolint])
}

/// Every script for a shell in the project, by its ending or its first line.
fn scripts(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let entry = entry.with_context(|| format!("list {}", folder.display()))?;
            let path = entry.path();
            let kind = entry.file_type().with_context(|| format!("look at {}", path.display()))?;
            if kind.is_dir() {
                if !NOT_OURS.iter().any(|name| path.ends_with(name)) {
                    folders.push(path);
                }
            } else if kind.is_file() && is_script(&path) {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn is_script(path: &Path) -> bool {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("sh" | "bash") => true,
        // What is no text begins otherwise.
        None => fs::read(path).is_ok_and(|bytes| {
            let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
            line.starts_with(b"#!") && line.ends_with(b"sh")
        }),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_known_by_their_ending_or_their_first_line() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("run", "#!/usr/bin/env bash\n"),
            ("install.sh", "echo\n"),
            ("program", "#!/usr/bin/env python3\n"),
            ("README.md", "#!/bin/sh\n"),
            ("target/made", "#!/bin/sh\n"),
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let found = scripts(folder.path()).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap()).collect();
        assert_eq!(names, ["install.sh", "run"]);
    }

    #[test]
    fn what_a_program_says_as_it_fails_is_a_complaint() {
        let cargo = |argument: &str| {
            let mut command = Command::new("cargo");
            command.arg(argument);
            ("cargo".to_owned(), command)
        };
        assert_eq!(judge(cargo("--version")).unwrap(), None);
        let words = judge(cargo("--no-such-option")).unwrap().unwrap();
        assert!(words.starts_with("cargo: ") && words.contains("--no-such-option"), "{words}");
        assert!(judge(("none".to_owned(), Command::new("no-such-program-here"))).is_err());
    }
}
