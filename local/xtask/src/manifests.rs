//! `cargo xtask manifests`: what is deployed is rendered, compared with what is committed, and asked everything that was
//! once wrong.

mod known;
mod limits;
mod objects;
mod policy;
mod promql;
mod render;
pub(crate) mod secrets;
mod selector;
mod validators;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{python, workspace};
use known::Known;
use objects::Manifests;
/// Where everything is, and the beginning of the image's name.
pub(crate) const NAMESPACE: &str = "reconciliation-platform";

pub(crate) use render::{NAMESPACE_FILE, Rendered, overlays};

/// What an overlay leaves to `infra/k8s/namespace.yaml`.
const NAMESPACE_KIND: &str = "Namespace";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Write infra/k8s/rendered/ again instead of comparing with it.
    #[arg(long)]
    write: bool,
}

/// What was found: `complaints` are faults, `notes` are words about what could not be done.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) complaints: Vec<String>,
    pub(crate) notes: Vec<String>,
}

/// Renders, compares or writes, and checks.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let programs = python::infrastructure()?;
    let rendered = render::all(&programs.join("kubectl"))?;
    if arguments.write {
        render::write(&rendered)?;
    }
    let report = check(&programs, &rendered)?;
    for line in report.notes.iter().chain(&report.complaints) {
        println!("{line}");
    }
    if !report.complaints.is_empty() {
        bail!("{} faults", report.complaints.len());
    }
    println!("{}", summary(&rendered));
    Ok(())
}

/// The same as a suite: the faults go to its log.
pub(crate) fn suite(log: &Path) -> Result<String> {
    let programs = python::infrastructure()?;
    let rendered = render::all(&programs.join("kubectl"))?;
    let report = check(&programs, &rendered)?;
    let words = [report.notes.join("\n"), report.complaints.join("\n")].join("\n");
    fs::write(log, words).with_context(|| format!("write {}", log.display()))?;
    if !report.complaints.is_empty() {
        bail!("{} faults", report.complaints.len());
    }
    Ok([summary(&rendered), report.notes.join("; ")].join("; ").trim_end_matches("; ").to_owned())
}

fn summary(rendered: &[Rendered]) -> String {
    format!("{} renderings, {} policies", rendered.len(), policy::all().count())
}

fn check(programs: &Path, rendered: &[Rendered]) -> Result<Report> {
    let root = workspace::root();
    let known = Known::read(&root, env!("CARGO_PKG_VERSION"))?;
    let namespace =
        fs::read_to_string(root.join(NAMESPACE_FILE)).with_context(|| format!("read {NAMESPACE_FILE}"))?;
    let mut report = Report::default();
    for overlay in rendered {
        report.complaints.extend(render::compare(overlay)?);
        let mut manifests = Manifests { objects: objects::read(&overlay.text)?, known: known.clone() };
        if manifests.of(NAMESPACE_KIND).next().is_none() {
            manifests
                .objects
                .extend(objects::read(&namespace).with_context(|| format!("read {NAMESPACE_FILE}"))?);
        }
        report.complaints.extend(judge(&overlay.name, &manifests));
    }
    report.complaints.extend(render::unchecked()?);
    validators::run(programs, rendered, &mut report)?;
    Ok(report)
}

/// One line a fault: where, what, and why it matters.
fn judge(overlay: &str, manifests: &Manifests) -> Vec<String> {
    let mut lines = Vec::new();
    for policy in policy::all() {
        for fault in (policy.find)(manifests) {
            let (name, why) = (policy.name, policy.why);
            lines.push(format!("{overlay}: {}: {} [{name}: {why}]", fault.object, fault.words));
        }
    }
    lines
}
