//! `cargo xtask kube-test`: what only a cluster can tell.
//!
//! Without a cluster it says so and succeeds. What it makes is in one namespace that it made itself, and is removed at the end.

mod cluster;
mod deploy;
mod dry_run;
mod namespace;
mod scaling;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{manifests, python, workspace};
use cluster::Cluster;
use namespace::Namespace;

/// The variable that names the cluster's credentials.
const KUBECONFIG: &str = "KUBECONFIG";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The cluster's credentials.
    #[arg(long, env = KUBECONFIG)]
    kubeconfig: Option<PathBuf>,
    /// The namespace to work in; given by name, it may be there already, and is left there.
    #[arg(long)]
    namespace: Option<String>,
    /// Kinds that the cluster does not know are a failure, not a note.
    #[arg(long)]
    strict: bool,
    /// The image, as the cluster's nodes can pull it: the overlay `dev` is then deployed and scaled.
    #[arg(long)]
    image: Option<String>,
    /// Also drain this node, with whatever runs there, and give it back.
    #[arg(long, requires = "image")]
    drain: Option<String>,
}

/// Skips, or tries everything; the last line says what came of it.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let Some(kubeconfig) = arguments.kubeconfig.as_ref().filter(|path| !path.as_os_str().is_empty()) else {
        println!("skipped: {KUBECONFIG} names no cluster");
        return Ok(());
    };
    if !kubeconfig.is_file() {
        bail!("{KUBECONFIG} is {}, which is no file", kubeconfig.display());
    }
    let kubectl = python::infrastructure()?.join("kubectl");
    let overlays = manifests::overlays(&kubectl)?;
    let cluster = Cluster::new(kubectl, kubeconfig.clone());
    println!("cluster: Kubernetes {}", cluster.version()?);
    try_all(&cluster, arguments, &overlays, &file()?)
}

fn try_all(
    cluster: &Cluster,
    arguments: &Arguments,
    overlays: &[manifests::Rendered],
    manifest: &str,
) -> Result<()> {
    let namespace = Namespace::claim(cluster, arguments.namespace.as_deref(), manifest)?;
    println!("namespace: {}", namespace.name);
    let outcome = in_namespace(cluster, arguments, overlays, &namespace);
    // Also after a failure; the first error is the one that is told.
    let removed = namespace.release(cluster);
    outcome.and(removed)
}

fn in_namespace(
    cluster: &Cluster,
    arguments: &Arguments,
    overlays: &[manifests::Rendered],
    namespace: &Namespace,
) -> Result<()> {
    let (name, ours) = (namespace.name.as_str(), namespace.ours);
    let known = cluster.kinds()?;
    let mut findings = dry_run::Findings::default();
    for overlay in overlays {
        let found = dry_run::overlay(cluster, overlay, name, &known)?;
        println!("{}: {}", overlay.name, found.summary());
        findings.add(found);
    }
    findings.judge(arguments.strict)?;
    let Some(image) = &arguments.image else {
        println!("not deployed: no --image was given");
        return Ok(());
    };
    if !ours {
        bail!("nothing is deployed into namespace `{name}`, which no trial made: it may hold what is in use");
    }
    deploy::run(cluster, overlays, name, image, &known)?;
    match &arguments.drain {
        Some(node) => deploy::drain(cluster, name, node),
        None => {
            println!("no node was drained: no --drain was given");
            Ok(())
        }
    }
}

/// The manifest of the namespace.
fn file() -> Result<String> {
    let path = workspace::root().join(manifests::NAMESPACE_FILE);
    std::fs::read_to_string(&path).with_context(|| format!("read {}", manifests::NAMESPACE_FILE))
}

#[cfg(test)]
mod tests;
