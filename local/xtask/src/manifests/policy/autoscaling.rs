//! Horizontal autoscalers, those of Kubernetes and those that KEDA makes.

use serde_json::Value;

use super::targets::target;
use super::{Fault, Policy, documented_fault, fault};
use crate::manifests::objects::{Manifests, Object, Pods, list, number, text};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "one-autoscaler",
        why: "two autoscalers of one workload both stop (AmbiguousSelector), and a webhook sees it one way round only",
        find: one_autoscaler,
    },
    Policy {
        name: "no-replicas-under-an-autoscaler",
        why: "each apply sets the number back to the manifest's, under full load too",
        find: no_replicas,
    },
    Policy {
        name: "measured-container-exists",
        why: "an autoscaler of a container that is not there, or asks for no CPU, never acts",
        find: measured_container,
    },
    Policy {
        name: "no-memory-metric",
        why: "a server's memory does not fall with its load, so what memory scales up never comes down",
        find: no_memory,
    },
    Policy {
        name: "bounds-and-windows",
        why: "KEDA hands a window of more than 3600 s on to an autoscaler that is then refused",
        find: bounds_and_windows,
    },
    Policy { name: "limits-as-documented", why: "SCALING.md is what people plan by", find: limits },
];

/// The stores that an overlay may have outside of its cluster.
const ELSEWHERE: [&str; 3] = ["database", "pooler", "object-store"];
const STABILIZATION_SECONDS_MAX: u64 = 3600;
const PERIOD_SECONDS_MAX: u64 = 1800;

/// The horizontal autoscalers.
pub(super) fn scalers(manifests: &Manifests) -> impl Iterator<Item = &Object> {
    let kinds = ["HorizontalPodAutoscaler", "ScaledObject"];
    manifests.objects.iter().filter(move |object| kinds.contains(&object.kind()))
}

/// The first autoscaler of an object.
pub(super) fn scaler<'a>(manifests: &'a Manifests, owner: &Object) -> Option<&'a Object> {
    scalers(manifests).find(|scaler| is_target(scaler, owner))
}

fn is_target(scaler: &Object, owner: &Object) -> bool {
    target(scaler) == Some((owner.kind(), owner.name())) && scaler.namespace() == owner.namespace()
}

/// The fewest and the most replicas that an autoscaler allows; the defaults are Kubernetes' and KEDA's.
pub(super) fn bounds(scaler: &Object) -> (u64, u64) {
    let spec = scaler.spec();
    let (min, max) = match scaler.kind() {
        "ScaledObject" => {
            (spec["minReplicaCount"].as_u64().unwrap_or(0), spec["maxReplicaCount"].as_u64().unwrap_or(100))
        }
        _ => (spec["minReplicas"].as_u64().unwrap_or(1), spec["maxReplicas"].as_u64().unwrap_or(1)),
    };
    (min, max)
}

fn one_autoscaler(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for workload in manifests.workloads() {
        let found: Vec<_> = scalers(manifests).filter(|scaler| is_target(scaler, workload.owner)).collect();
        if found.len() > 1 {
            let names: Vec<_> = found.iter().map(|scaler| scaler.label()).collect();
            faults.push(fault(workload.owner, format!("{} scale it: {}", found.len(), names.join(", "))));
        }
    }
    faults
}

fn no_replicas(manifests: &Manifests) -> Vec<Fault> {
    let workloads = manifests.workloads();
    let fixed = workloads
        .iter()
        .filter(|pods| !pods.owner.spec()["replicas"].is_null() && scaler(manifests, pods.owner).is_some());
    fixed.map(|pods| fault(pods.owner, "it sets `replicas`, which its autoscaler owns")).collect()
}

fn measured_container(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for scaler in scalers(manifests) {
        let workloads = manifests.workloads();
        let Some(pods) = workloads.iter().find(|pods| is_target(scaler, pods.owner)) else { continue };
        for (resource, container) in measured(scaler) {
            let found: Vec<&Value> = match container {
                Some(name) => pods.container(name).into_iter().collect(),
                None => pods.containers().collect(),
            };
            if found.is_empty() {
                let name = container.unwrap_or_default();
                faults.push(fault(scaler, format!("{} has no container `{name}`", pods.owner.label())));
            }
            for container in found.iter().filter(|found| found["resources"]["requests"][resource].is_null()) {
                let name = text(&container["name"]);
                faults.push(fault(
                    scaler,
                    format!("container `{name}` asks for no {resource}, so it has no share of it"),
                ));
            }
        }
    }
    faults
}

/// The resources that an autoscaler measures, each with its container where it is of one.
pub(super) fn measured(scaler: &Object) -> Vec<(&str, Option<&str>)> {
    let metrics = list(&scaler.spec()["metrics"]).filter_map(|metric| match text(&metric["type"]) {
        "Resource" => Some((text(&metric["resource"]["name"]), None)),
        "ContainerResource" => {
            let of = &metric["containerResource"];
            Some((text(&of["name"]), of["container"].as_str()))
        }
        _ => None,
    });
    let triggers = list(&scaler.spec()["triggers"]).filter_map(|trigger| match text(&trigger["type"]) {
        resource @ ("cpu" | "memory") => Some((resource, trigger["metadata"]["containerName"].as_str())),
        _ => None,
    });
    metrics.chain(triggers).collect()
}

fn no_memory(manifests: &Manifests) -> Vec<Fault> {
    let by_memory =
        scalers(manifests).filter(|scaler| measured(scaler).iter().any(|(name, _)| *name == "memory"));
    by_memory.map(|scaler| fault(scaler, "it scales on memory")).collect()
}

fn bounds_and_windows(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for scaler in scalers(manifests) {
        let (min, max) = bounds(scaler);
        if min > max || max == 0 {
            faults.push(fault(scaler, format!("its least, {min}, is more than its most, {max}")));
        }
        let spec = scaler.spec();
        let of_keda = &spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"];
        for behavior in [&spec["behavior"], of_keda] {
            for way in ["scaleUp", "scaleDown"] {
                faults.extend(
                    refused(&behavior[way]).into_iter().map(|words| fault(scaler, format!("{way}: {words}"))),
                );
            }
        }
    }
    faults
}

/// What of the rules of one direction an autoscaler does not take.
pub(super) fn refused(rules: &Value) -> Vec<String> {
    let mut words = Vec::new();
    let window = &rules["stabilizationWindowSeconds"];
    if !window.is_null() && number(window).is_none_or(|seconds| seconds > STABILIZATION_SECONDS_MAX) {
        words.push(format!("a window of {window} s, more than {STABILIZATION_SECONDS_MAX}"));
    }
    for policy in list(&rules["policies"]) {
        let period = &policy["periodSeconds"];
        if !number(period).is_some_and(|seconds| (1..=PERIOD_SECONDS_MAX).contains(&seconds)) {
            words.push(format!("a period of {period} s, not 1 to {PERIOD_SECONDS_MAX}"));
        }
        if number(&policy["value"]).is_none_or(|value| value == 0) {
            words.push(format!("a step of {}", policy["value"]));
        }
    }
    words
}

/// Only overlays that scale are held against the table; the one for development has one of each.
fn limits(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    let scaled: Vec<(Pods<'_>, &Object)> = manifests
        .workloads()
        .into_iter()
        .filter_map(|pods| scaler(manifests, pods.owner).map(|scaler| (pods, scaler)))
        .collect();
    for (pods, scaler) in &scaled {
        let (name, (min, max)) = (pods.owner.name(), bounds(scaler));
        let Some(limit) = manifests.known.scaling.limits.iter().find(|limit| limit.workload == name) else {
            faults.push(fault(scaler, format!("SCALING.md has no limits of {name}")));
            continue;
        };
        if (limit.min, limit.max) != (min, max) {
            let promised = format!("{} to {}", limit.min, limit.max);
            faults.push(fault(scaler, format!("it allows {min} to {max}, SCALING.md says {promised}")));
        }
        for aim in aims(scaler).into_iter().filter(|aim| !says(&limit.words, aim)) {
            faults.push(fault(scaler, format!("its target is {aim}, SCALING.md says: {}", limit.words)));
        }
    }
    // The overlay for development has one of each.
    if !scaled.is_empty() {
        faults.extend(fixed(manifests));
    }
    faults
}

/// What does not scale by itself has a row, and as many replicas as it says; each row is of something.
fn fixed(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    let limits = &manifests.known.scaling.limits;
    let found = lasting(manifests);
    for (name, object) in found.iter().filter(|(_, object)| scaler(manifests, object).is_none()) {
        let Some(limit) = limits.iter().find(|limit| limit.workload == *name) else {
            faults.push(fault(object, format!("SCALING.md has no limits of {name}")));
            continue;
        };
        let replicas =
            number(&object.spec()["instances"]).or_else(|| number(&object.spec()["replicas"])).unwrap_or(1);
        if (limit.min, limit.max) != (replicas, replicas) {
            let promised = format!("{} to {}", limit.min, limit.max);
            faults.push(fault(object, format!("it has {replicas} replicas, SCALING.md says {promised}")));
        }
    }
    let is_there = |name: &str| found.iter().any(|(found, _)| *found == name);
    let gone = limits.iter().map(|limit| limit.workload.as_str());
    let gone = gone.filter(|name| !is_there(name) && !ELSEWHERE.contains(name));
    faults.extend(
        gone.map(|name| documented_fault(format!("its table has limits of {name}, which is not there"))),
    );
    faults
}

/// What runs until it is replaced, by the names of the table.
fn lasting(manifests: &Manifests) -> Vec<(&str, &Object)> {
    let of = |object: &'_ Object| match (object.group(), object.kind()) {
        ("apps", "Deployment" | "StatefulSet") => Some(None),
        ("postgresql.cnpg.io", "Cluster") => Some(Some("database")),
        ("postgresql.cnpg.io", "Pooler") => Some(Some("pooler")),
        _ => None,
    };
    let named = manifests.objects.iter().filter_map(|object| Some((of(object)?, object)));
    named.map(|(name, object)| (name.unwrap_or_else(|| object.name()), object)).collect()
}

/// Whether a text has a number, or a share in percent, as a word of its own.
fn says(words: &str, aim: &str) -> bool {
    words.split(|c: char| !c.is_ascii_digit() && c != '%').any(|word| word == aim)
}

/// What an autoscaler aims at: shares of a resource, and numbers a pod.
fn aims(scaler: &Object) -> Vec<String> {
    let shares = shares(scaler).into_iter().map(|share| format!("{share}%"));
    let triggers = list(&scaler.spec()["triggers"]);
    let numbers =
        triggers.flat_map(|trigger| ["threshold", "targetQueryValue"].map(|key| &trigger["metadata"][key]));
    shares.chain(numbers.filter_map(|number| number.as_str().map(str::to_owned))).collect()
}

/// The shares of a resource that an autoscaler aims at, in percent.
fn shares(scaler: &Object) -> Vec<u64> {
    let metrics = list(&scaler.spec()["metrics"]).filter_map(|metric| {
        let kind = if metric["type"] == "Resource" { "resource" } else { "containerResource" };
        number(&metric[kind]["target"]["averageUtilization"])
    });
    let triggers = list(&scaler.spec()["triggers"])
        .filter(|trigger| trigger["metricType"] == "Utilization")
        .filter_map(|trigger| number(&trigger["metadata"]["value"]));
    metrics.chain(triggers).collect()
}
