//! What KEDA takes without a word, and then does not do.

use serde_json::Value;

use super::autoscaling::bounds;
use super::scalers::SCALERS;
use super::targets::target as target_of;
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, Pods, list, text};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "trigger-known",
        why: "a misspelt type or key is accepted by the API server and fails, or is left out, in KEDA",
        find: known,
    },
    Policy {
        name: "trigger-authentication-exists",
        why: "a trigger without its credentials has no metric, and nothing but a status says so",
        find: authentication,
    },
    Policy {
        name: "missing-series-is-a-failure",
        why: "a series that is gone would count as 0, and scale down what is under load",
        find: null_values,
    },
    Policy {
        name: "fallback-where-it-acts",
        why: "with Prometheus away and no fallback the workload stays as small as it was by chance",
        find: fallback,
    },
    Policy {
        name: "one-source-of-load",
        why: "with a list or a table beside another source, either of them being away stops all scaling",
        find: one_source,
    },
    Policy {
        name: "jobs-a-pod-as-it-runs",
        why: "a target that is not what a pod runs at once leaves jobs waiting beside idle pods, or pods without jobs",
        find: jobs_a_pod,
    },
    Policy {
        name: "jobs-counted-while-they-run",
        why: "a count that falls as soon as jobs are taken has the workers taken away from under them",
        find: jobs_counted,
    },
    Policy {
        name: "no-idle-settings",
        why: "pollingInterval and cooldownPeriod act only from and to zero; who reads them believes otherwise",
        find: idle,
    },
    Policy {
        name: "cluster-scaler-for-a-cluster",
        why: "on a Redis Cluster the plain scaler is sent elsewhere (MOVED), on a single Redis the other one finds no slots",
        find: cluster_scaler,
    },
];

/// The sources for which KEDA has no fallback.
const WITHOUT_FALLBACK: [&str; 3] = ["postgresql", "redis", "redis-cluster"];

/// The states of a job in which it needs a worker.
const JOB_STATES: [&str; 2] = ["queued", "running"];
/// PostgreSQL's table of connections. They grow with what they scale, and are never more than a pooler has.
const CONNECTIONS: &str = "pg_stat_activity";
/// What the program is asked to be where it works off jobs.
const WORK: &str = "work";

/// What the program runs at once where nothing is said.
const WORKER_CONCURRENCY_DEFAULT: &str = "2";

/// Each trigger with its object.
pub(super) fn triggers(manifests: &Manifests) -> impl Iterator<Item = (&Object, &Value)> {
    manifests
        .of("ScaledObject")
        .flat_map(|object| list(&object.spec()["triggers"]).map(move |trigger| (object, trigger)))
}

fn kind(trigger: &Value) -> &str {
    text(&trigger["type"])
}

fn known(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (object, trigger) in triggers(manifests) {
        let kind = kind(trigger);
        let Some(scaler) = SCALERS.iter().find(|scaler| scaler.kind == kind) else {
            faults.push(fault(object, format!("no trigger of type `{kind}` is known here")));
            continue;
        };
        let metadata = trigger["metadata"].as_object();
        let keys = || metadata.into_iter().flat_map(|metadata| metadata.keys());
        for key in keys().filter(|key| !scaler.takes(key)) {
            let hint = if key == "metricName" {
                ": it was removed in 2.12, the trigger's `name` is what is left"
            } else {
                ""
            };
            faults.push(fault(object, format!("trigger `{kind}` takes no `{key}`{hint}")));
        }
        let given = |wanted: &str| keys().any(|key| key.strip_suffix("FromEnv").unwrap_or(key) == wanted);
        for key in scaler.required.iter().filter(|key| !given(key)) {
            faults.push(fault(object, format!("trigger `{kind}` needs `{key}`")));
        }
    }
    faults
}

fn authentication(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (object, trigger) in triggers(manifests) {
        let reference = &trigger["authenticationRef"];
        let wanted = reference["kind"].as_str().unwrap_or("TriggerAuthentication");
        match reference["name"].as_str() {
            Some(name) if manifests.find(wanted, name).is_none() => {
                faults.push(fault(object, format!("{wanted} `{name}` is not there")));
            }
            None if WITHOUT_FALLBACK.contains(&kind(trigger)) => {
                faults.push(fault(object, format!("trigger `{}` has no authenticationRef", kind(trigger))));
            }
            _ => {}
        }
    }
    faults
}

fn null_values(manifests: &Manifests) -> Vec<Fault> {
    let lax = triggers(manifests)
        .filter(|(_, trigger)| kind(trigger) == "prometheus")
        .filter(|(_, trigger)| trigger["metadata"]["ignoreNullValues"] != "false");
    lax.map(|(object, _)| {
        fault(object, "its trigger `prometheus` does not set ignoreNullValues to \"false\"")
    })
    .collect()
}

fn fallback(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in manifests.of("ScaledObject") {
        let has =
            |wanted: &[&str]| list(&object.spec()["triggers"]).any(|trigger| wanted.contains(&kind(trigger)));
        let fallback = &object.spec()["fallback"];
        if has(&["prometheus"]) && fallback["behavior"] != "currentReplicasIfHigher" {
            faults.push(fault(object, "it has no fallback with the behaviour currentReplicasIfHigher"));
        }
        if has(&WITHOUT_FALLBACK) && !fallback.is_null() {
            faults.push(fault(object, "its fallback never acts for such a trigger"));
        }
    }
    faults
}

fn one_source(manifests: &Manifests) -> Vec<Fault> {
    let mixed = manifests.of("ScaledObject").filter(|object| {
        let kinds: Vec<_> = list(&object.spec()["triggers"]).map(kind).collect();
        kinds.len() > 1 && kinds.iter().any(|kind| WITHOUT_FALLBACK.contains(kind))
    });
    mixed.map(|object| fault(object, "a trigger without fallback stands beside another")).collect()
}

/// The workload that a trigger's object scales.
fn scaled<'a>(manifests: &'a Manifests, object: &Object) -> Option<Pods<'a>> {
    let (kind, name) = target_of(object)?;
    manifests.workloads().into_iter().find(|pods| pods.owner.kind() == kind && pods.owner.name() == name)
}

/// Whoever works jobs off is scaled by those that wait and those that run.
fn jobs_counted(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (object, trigger) in triggers(manifests) {
        let Some(query) = trigger["metadata"]["query"].as_str() else { continue };
        if query.contains(CONNECTIONS) {
            faults.push(fault(object, format!("it scales on {CONNECTIONS}, connections instead of jobs")));
            continue;
        }
        let works = scaled(manifests, object).is_some_and(|pods| {
            pods.own_containers().any(|container| list(&container["args"]).any(|word| word == WORK))
        });
        let missing = JOB_STATES.into_iter().filter(|state| works && !names_state(query, state));
        faults
            .extend(missing.map(|state| fault(object, format!("its query counts no {state} jobs: {query}"))));
    }
    faults
}

/// Whether a query is about jobs and names a state, as a text or one of several in a matcher.
fn names_state(query: &str, state: &str) -> bool {
    let mut words = query.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let about_jobs = query.contains("recon_jobs") || query.contains("from jobs");
    about_jobs && words.any(|word| word == state)
}

/// The target of a trigger on jobs is the setting of the workload that it scales.
fn jobs_a_pod(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (object, trigger) in triggers(manifests) {
        let metadata = &trigger["metadata"];
        let target = match kind(trigger) {
            "prometheus" if text(&metadata["query"]).contains("recon_jobs") => &metadata["threshold"],
            "postgresql" if text(&metadata["query"]).contains("jobs") => &metadata["targetQueryValue"],
            _ => continue,
        };
        let scaled = scaled(manifests, object);
        for container in scaled.iter().flat_map(Pods::own_containers) {
            let jobs = manifests.setting(container, "WORKER_CONCURRENCY");
            let jobs = jobs.as_deref().unwrap_or(WORKER_CONCURRENCY_DEFAULT);
            if text(target) != jobs {
                faults.push(fault(
                    object,
                    format!("its target is {target} jobs a pod, which runs {jobs} at once"),
                ));
            }
        }
    }
    faults
}

fn idle(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in manifests.of("ScaledObject").filter(|object| bounds(object).0 >= 1) {
        for name in ["pollingInterval", "cooldownPeriod", "initialCooldownPeriod", "idleReplicaCount"] {
            if !object.spec()[name].is_null() {
                faults.push(fault(object, format!("{name} does nothing at a minimum of 1 or more")));
            }
        }
    }
    faults
}

fn cluster_scaler(manifests: &Manifests) -> Vec<Fault> {
    let clustered = manifests.of("RedisCluster").next().is_some();
    let mut faults = Vec::new();
    for (object, trigger) in triggers(manifests) {
        match kind(trigger) {
            "redis" if clustered => faults.push(fault(object, "trigger `redis` asks a Redis Cluster")),
            "redis-cluster" if !clustered => {
                faults.push(fault(object, "trigger `redis-cluster` asks what is no Redis Cluster"));
            }
            _ => {}
        }
    }
    faults
}
