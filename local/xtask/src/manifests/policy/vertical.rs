//! Vertical autoscalers.

use std::collections::BTreeSet;

use super::autoscaling::{measured, scaler};
use super::targets::target;
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, list, text};

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
];

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
