//! The namespace of a trial: made by it, or given by name.

use std::process;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::cluster::Cluster;
use crate::manifests::NAMESPACE;

/// What marks a namespace that a trial made. Others are not touched.
const MARK: &str = "recon.xtask/trial";

/// The namespace, and whether it goes away with the trial.
#[derive(Debug)]
pub(super) struct Namespace {
    pub(super) name: String,
    /// Whether a trial made it, this one or another.
    pub(super) ours: bool,
    made: bool,
}

/// What is to be done about a namespace.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    /// It is not there: make it, and remove it at the end.
    Make,
    /// Somebody named it, or an earlier trial left it.
    Use,
    /// It is somebody else's.
    Refuse,
}

fn decide(exists: bool, marked: bool, named: bool) -> Decision {
    match (exists, marked, named) {
        (false, ..) => Decision::Make,
        (true, _, true) | (true, true, false) => Decision::Use,
        (true, false, false) => Decision::Refuse,
    }
}

impl Namespace {
    /// Makes a namespace of its own, or takes the one that was named. One that is there, and that nobody named, is refused.
    pub(super) fn claim(cluster: &Cluster, named: Option<&str>, manifest: &str) -> Result<Self> {
        let name = named.map_or_else(|| format!("{NAMESPACE}-trial-{}", process::id()), str::to_owned);
        let found = cluster.get(&["namespace", &name])?;
        let marked = found.as_ref().is_some_and(|found| found["metadata"]["labels"][MARK] == "true");
        match decide(found.is_some(), marked, named.is_some()) {
            Decision::Refuse => {
                bail!("namespace `{name}` is there and not ours; name it with --namespace to use it")
            }
            Decision::Use => Ok(Self { name, ours: marked, made: false }),
            Decision::Make => {
                cluster.must(&["create", "--filename=-"], &marked_as(manifest, &name)?)?;
                Ok(Self { name, ours: true, made: true })
            }
        }
    }

    /// Removes it, where it was made.
    pub(super) fn release(self, cluster: &Cluster) -> Result<()> {
        if self.made {
            cluster.must(&["delete", "namespace", &self.name, "--wait=false"], "")?;
        }
        Ok(())
    }
}

/// The manifest for another name, with the mark: made at once, so that nothing unmarked is left by a trial that breaks off.
fn marked_as(manifest: &str, name: &str) -> Result<String> {
    let mut object: Value = serde_saphyr::from_str(manifest).context("parse the namespace's manifest")?;
    object["metadata"]["name"] = name.into();
    object["metadata"]["labels"][MARK] = "true".into();
    Ok(object.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_or_was_named_is_used() {
        for (exists, marked, named, decision) in [
            (false, false, false, Decision::Make),
            (false, false, true, Decision::Make),
            (true, true, false, Decision::Use),
            (true, false, true, Decision::Use),
            (true, true, true, Decision::Use),
            (true, false, false, Decision::Refuse),
        ] {
            assert_eq!(decide(exists, marked, named), decision, "{exists} {marked} {named}");
        }
    }
}
