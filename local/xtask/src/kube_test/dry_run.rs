//! Every object of an overlay in the eyes of an API server, which writes nothing.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::cluster::{Answer, Cluster};
use crate::manifests::{NAMESPACE, Rendered, secrets};

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Findings {
    pub(super) accepted: usize,
    /// Objects of kinds that the cluster does not have.
    pub(super) unknown: Vec<String>,
    /// What was refused, and what was warned of.
    pub(super) faults: Vec<String>,
}

impl Findings {
    pub(super) fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.unknown.extend(other.unknown);
        self.faults.extend(other.faults);
    }

    pub(super) fn summary(&self) -> String {
        let mut words = format!("{} accepted", self.accepted);
        if !self.unknown.is_empty() {
            let names = self.unknown.join(", ");
            words.push_str(&format!(
                ", {} skipped, the cluster has no such kind: {names}",
                self.unknown.len()
            ));
        }
        if !self.faults.is_empty() {
            words.push_str(&format!(", {} faults", self.faults.len()));
        }
        words
    }

    /// Whether the trial goes on.
    pub(super) fn judge(&self, strict: bool) -> Result<()> {
        if !self.faults.is_empty() {
            bail!("{} objects were refused or warned of:\n{}", self.faults.len(), self.faults.join("\n"));
        }
        if strict && !self.unknown.is_empty() {
            bail!("the cluster does not know {}", self.unknown.join(", "));
        }
        if self.accepted == 0 {
            bail!("nothing was tried");
        }
        Ok(())
    }
}

/// Tries each object by itself, so that one that is refused hides no other.
pub(super) fn overlay(
    cluster: &Cluster,
    overlay: &Rendered,
    namespace: &str,
    known: &BTreeSet<String>,
) -> Result<Findings> {
    let mut findings = Findings::default();
    for object in objects(&overlay.text, namespace)? {
        let label = label(&object);
        if !known.contains(&kind(&object)) {
            findings.unknown.push(label);
            continue;
        }
        let answer = cluster.call(
            &[
                "apply",
                "--server-side",
                "--dry-run=server",
                "--field-manager=trial",
                "--validate=strict",
                "--filename=-",
            ],
            &object.to_string(),
        )?;
        judge(&mut findings, &format!("{}: {label}", overlay.name), &answer);
    }
    Ok(findings)
}

/// A warning is as bad as a refusal: Pod Security only warns of a Deployment whose pods it then refuses.
fn judge(findings: &mut Findings, label: &str, answer: &Answer) {
    let warnings = answer.warnings();
    if !answer.succeeded {
        findings.faults.push(format!("{label}: {}", answer.errors.trim()));
    } else if !warnings.is_empty() {
        findings.faults.push(format!("{label}: {}", warnings.join("; ")));
    } else {
        findings.accepted += 1;
    }
}

/// The objects as they are in another namespace; addresses in them go with it, also those in Secrets.
pub(super) fn objects(text: &str, namespace: &str) -> Result<Vec<Value>> {
    let moved = text.replace(&format!("namespace: {NAMESPACE}\n"), &format!("namespace: {namespace}\n"));
    let moved = with_addresses(&moved, namespace);
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(&moved).context("parse what was rendered")?;
    for secret in objects.iter_mut().filter(|object| object["kind"] == "Secret") {
        for value in secret["data"].as_object_mut().into_iter().flat_map(|data| data.values_mut()) {
            // What is no text has no address.
            if let Some(text) = value.as_str().and_then(secrets::decode) {
                *value = secrets::encode(&with_addresses(&text, namespace)).into();
            }
        }
    }
    Ok(objects)
}

fn with_addresses(text: &str, namespace: &str) -> String {
    text.replace(&format!(".{NAMESPACE}.svc"), &format!(".{namespace}.svc"))
}

/// As the list of the cluster's kinds has it.
pub(super) fn kind(object: &Value) -> String {
    let part = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", part("apiVersion"), part("kind"))
}

pub(super) fn label(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    format!("{}/{name}", object["kind"].as_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn objects_move_with_their_addresses() {
        let text = format!(
            "kind: A\nmetadata:\n  name: a\n  namespace: {NAMESPACE}\nspec:\n  image: {NAMESPACE}:1\n  url: http://b.{NAMESPACE}.svc.cluster.local\n"
        );
        let moved = &objects(&text, "other").unwrap()[0];
        assert_eq!(moved["metadata"]["namespace"], "other");
        assert_eq!(moved["spec"]["url"], "http://b.other.svc.cluster.local");
        assert_eq!(moved["spec"]["image"], format!("{NAMESPACE}:1"));
    }

    #[test]
    fn addresses_in_secrets_move_too() {
        let encoded = |text: &str| STANDARD.encode(text);
        // As kustomize writes it: a block, broken into lines.
        let address =
            encoded(&format!("postgres://app@postgres.{NAMESPACE}.svc.cluster.local:5432/{NAMESPACE}"));
        let (first, rest) = address.split_at(70);
        let other = STANDARD.encode([0xff, 0xfe]);
        let text = format!(
            "kind: Secret\nmetadata:\n  name: a\ndata:\n  url: |\n    {first}\n    {rest}\n  other: {other}\n  broken: '*'\n"
        );
        let moved = &objects(&text, "other").unwrap()[0];
        let url = encoded(&format!("postgres://app@postgres.other.svc.cluster.local:5432/{NAMESPACE}"));
        assert_eq!(moved["data"], serde_json::json!({"url": url, "other": other, "broken": "*"}));
    }

    #[test]
    fn a_warning_is_a_fault() {
        let answer =
            |succeeded, errors: &str| Answer { succeeded, output: String::new(), errors: errors.to_owned() };
        let mut findings = Findings::default();
        judge(&mut findings, "a", &answer(true, ""));
        judge(&mut findings, "b", &answer(true, "Warning: would violate PodSecurity \"restricted\"\n"));
        judge(&mut findings, "c", &answer(false, "unknown field \"spec.replica\"\n"));
        assert_eq!(findings.accepted, 1);
        assert_eq!(findings.faults.len(), 2);
        assert!(findings.judge(false).unwrap_err().to_string().contains("b: Warning: would violate"));
    }

    #[test]
    fn a_kind_that_is_not_there_is_a_fault_only_where_it_is_asked_for() {
        let findings =
            Findings { accepted: 1, unknown: vec!["ScaledObject/worker".to_owned()], faults: Vec::new() };
        assert!(findings.judge(false).is_ok());
        assert!(findings.judge(true).unwrap_err().to_string().contains("ScaledObject/worker"));
        assert!(findings.summary().contains("1 skipped"));
        assert!(Findings::default().judge(false).is_err(), "a trial of nothing is none");
    }
}
