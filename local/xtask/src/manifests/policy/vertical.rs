//! Vertical autoscalers.

use std::collections::BTreeSet;

use serde_json::Value;

use super::autoscaling::{measured, scaler};
use super::targets::target;
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, list, number, text};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "vertical-mode-said",
        why: "`Auto` is deprecated, is what stands where nothing is said, and evicts pods to resize them",
        find: mode,
    },
    Policy {
        name: "vertical-leaves-scaled-resources",
        why: "one autoscaler changes the request that the other measures against: they never settle",
        find: apart,
    },
    Policy {
        name: "vertical-container-exists",
        why: "bounds of a container that is not there bound nothing, and nothing but a status says so",
        find: container,
    },
    Policy {
        name: "vertical-fits-a-node",
        why: "a pod whose request is larger than any node stays Pending, and none takes its place",
        find: fits,
    },
];

/// What a node has at least: more than these, of which system pods and the kubelet keep some. A NodePool says so by itself.
const NODE_CPUS: u64 = 4;
const NODE_MEBIBYTES: u64 = 15 * 1024;
const NODE_CPUS_KEY: &str = "karpenter.k8s.aws/instance-cpu";
const NODE_MEMORY_KEY: &str = "karpenter.k8s.aws/instance-memory";

const MODES: [&str; 4] = ["Off", "Initial", "InPlaceOrRecreate", "InPlace"];

fn mode_of(vertical: &Object) -> &str {
    text(&vertical.spec()["updatePolicy"]["updateMode"])
}

fn mode(manifests: &Manifests) -> Vec<Fault> {
    let wrong = manifests.of("VerticalPodAutoscaler").filter(|vertical| !MODES.contains(&mode_of(vertical)));
    wrong
        .map(|vertical| {
            fault(vertical, format!("its mode is `{}`, not one of {}", mode_of(vertical), MODES.join(", ")))
        })
        .collect()
}

fn apart(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for vertical in manifests.of("VerticalPodAutoscaler").filter(|vertical| mode_of(vertical) != "Off") {
        let Some((kind, name)) = target(vertical) else { continue };
        let horizontal = manifests.find(kind, name).and_then(|owner| scaler(manifests, owner));
        let measured: BTreeSet<&str> =
            horizontal.map(measured).into_iter().flatten().map(|(resource, _)| resource).collect();
        for resource in controlled(vertical).intersection(&measured) {
            faults.push(fault(vertical, format!("it changes {resource}, on which {kind}/{name} is scaled")));
        }
    }
    faults
}

/// What it changes; where nothing is said, both.
fn controlled(vertical: &Object) -> BTreeSet<&str> {
    let policies = list(&vertical.spec()["resourcePolicy"]["containerPolicies"]);
    let mut resources = BTreeSet::new();
    for policy in policies.filter(|policy| policy["mode"] != "Off") {
        match policy["controlledResources"].as_array() {
            Some(named) => resources.extend(named.iter().map(text)),
            None => resources.extend(["cpu", "memory"]),
        }
    }
    if list(&vertical.spec()["resourcePolicy"]["containerPolicies"]).next().is_none() {
        resources.extend(["cpu", "memory"]);
    }
    resources
}

/// Its rules, each for a container; `*` is for all that have none.
fn rules(vertical: &Object) -> impl Iterator<Item = &Value> {
    list(&vertical.spec()["resourcePolicy"]["containerPolicies"])
}

fn container(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for vertical in manifests.of("VerticalPodAutoscaler") {
        let workloads = manifests.workloads();
        let is_meant = |owner: &Object| target(vertical) == Some((owner.kind(), owner.name()));
        let Some(pods) = workloads.iter().find(|pods| is_meant(pods.owner)) else { continue };
        for name in rules(vertical).map(|rule| text(&rule["containerName"])).filter(|name| *name != "*") {
            if pods.container(name).is_none() {
                let words = format!("{} has no container `{name}`", pods.owner.label());
                faults.push(fault(vertical, words));
            }
        }
    }
    faults
}

fn fits(manifests: &Manifests) -> Vec<Fault> {
    let node = |key: &str, default: u64| {
        let pools = manifests.of("NodePool");
        let all = pools.flat_map(|pool| list(&pool.spec()["template"]["spec"]["requirements"]));
        let least = all.filter(|one| one["key"] == key && one["operator"] == "Gt");
        least.filter_map(|one| number(&one["values"][0])).min().unwrap_or(default)
    };
    let room = [
        ("cpu", node(NODE_CPUS_KEY, NODE_CPUS) * 1000),
        ("memory", node(NODE_MEMORY_KEY, NODE_MEBIBYTES) * 1024 * 1024 * 1000),
    ];
    let mut faults = Vec::new();
    for vertical in manifests.of("VerticalPodAutoscaler") {
        if rules(vertical).next().is_none() {
            faults.push(fault(vertical, "it has no bounds"));
        }
        for rule in rules(vertical).filter(|rule| rule["mode"] != "Off") {
            for (resource, most) in room {
                let bound = |name: &str| thousandths(&rule[name][resource]);
                let words = match (bound("minAllowed"), bound("maxAllowed")) {
                    (Some(min), Some(max)) if min > max => "the least is more than the most",
                    (Some(_), Some(max)) if max > most => "the most is more than a node has",
                    (Some(_), Some(_)) => continue,
                    _ => "it has no least or no most",
                };
                faults.push(fault(vertical, format!("{resource}: {words}")));
            }
        }
    }
    faults
}

/// A quantity of Kubernetes, in thousandths of its unit.
fn thousandths(quantity: &Value) -> Option<u64> {
    let plain = quantity.as_u64().map(|number| number.to_string());
    let text = plain.as_deref().or(quantity.as_str())?;
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = match &text[digits.len()..] {
        "m" => 1,
        "" => 1000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_in_thousandths() {
        for (quantity, number) in [
            (Value::from("100m"), Some(100)),
            (Value::from("4"), Some(4000)),
            (Value::from(4), Some(4000)),
            (Value::from("2Mi"), Some(2 * 1024 * 1024 * 1000)),
            (Value::from("8 cores"), None),
            (Value::from("99999999999Gi"), None),
            (Value::Null, None),
        ] {
            assert_eq!(thousandths(&quantity), number, "{quantity}");
        }
    }
}
