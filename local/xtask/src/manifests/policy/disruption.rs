//! Drains and rollouts.

use serde_json::Value;

use super::autoscaling::{bounds, scaler};
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object};
use crate::manifests::selector;

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "eviction-possible",
        why: "a budget that allows no disruption at the minimum blocks every drain of a node",
        find: eviction_possible,
    },
    Policy {
        name: "one-disruption-budget",
        why: "without a budget a drain takes every replica at once; with two, the API server evicts none",
        find: one_budget,
    },
    Policy {
        name: "rollout-keeps-capacity",
        why: "a rollout that takes a pod away before its successor is ready serves with less than it needs",
        find: rollout,
    },
];

/// Budgets for something; one for everything is a fault of its selector, not of each workload.
fn budgets(manifests: &Manifests) -> impl Iterator<Item = &Object> {
    let said = |budget: &&Object| !selector::is_empty(&budget.spec()["selector"]);
    manifests.of("PodDisruptionBudget").filter(said)
}

fn eviction_possible(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for budget in budgets(manifests) {
        let spec = budget.spec();
        if spec["unhealthyPodEvictionPolicy"] != "AlwaysAllow" {
            faults.push(fault(
                budget,
                "pods that are not ready hold their node: unhealthyPodEvictionPolicy is not AlwaysAllow",
            ));
        }
        for pods in manifests.selected(budget, &spec["selector"]) {
            let replicas = replicas_min(manifests, pods.owner);
            let allowed =
                match (part(&spec["maxUnavailable"], replicas), part(&spec["minAvailable"], replicas)) {
                    (Some(allowed), None) => allowed,
                    (None, Some(needed)) => replicas.saturating_sub(needed),
                    _ => {
                        faults.push(fault(budget, "it needs one of maxUnavailable and minAvailable"));
                        continue;
                    }
                };
            if allowed == 0 {
                let words = format!("of {replicas} pods of {} it lets none go", pods.owner.label());
                faults.push(fault(budget, words));
            }
        }
    }
    faults
}

/// The fewest replicas that an object has by its autoscaler, or by itself.
fn replicas_min(manifests: &Manifests, owner: &Object) -> u64 {
    let scaled = scaler(manifests, owner).map(|scaler| bounds(scaler).0);
    let own = || owner.spec()["replicas"].as_u64().or_else(|| owner.spec()["instances"].as_u64());
    scaled.or_else(own).unwrap_or(1)
}

/// A number of pods, or a share of them, rounded up as Kubernetes does.
fn part(value: &Value, of: u64) -> Option<u64> {
    value.as_u64().or_else(|| {
        let share: u64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
        Some((of * share).div_ceil(100))
    })
}

fn one_budget(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for pods in manifests.workloads() {
        let met: Vec<_> = budgets(manifests)
            .filter(|budget| {
                let selected = manifests.selected(budget, &budget.spec()["selector"]);
                selected.iter().any(|met| std::ptr::eq(met.owner, pods.owner))
            })
            .collect();
        let lasting = pods.owner.kind() == "Deployment" && pods.is_own();
        match met.len() {
            0 if lasting => faults.push(fault(pods.owner, "no PodDisruptionBudget is for it")),
            0 | 1 => {}
            more => faults.push(fault(pods.owner, format!("{more} PodDisruptionBudgets are for it"))),
        }
    }
    faults
}

fn rollout(manifests: &Manifests) -> Vec<Fault> {
    let broken = |deployment: &&Object| {
        let strategy = &deployment.spec()["strategy"];
        let none = |value: &Value| *value == 0 || *value == "0%";
        strategy["type"] == "Recreate"
            || !none(&strategy["rollingUpdate"]["maxUnavailable"])
            || none(&strategy["rollingUpdate"]["maxSurge"])
    };
    let words = "its rollout may take pods away before others are ready: maxUnavailable is not 0";
    manifests.of("Deployment").filter(broken).map(|deployment| fault(deployment, words)).collect()
}
