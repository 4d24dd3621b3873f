//! How pods run: with which rights, in which place, watched how.

use serde_json::Value;

use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Pods, labels, list, text};
use crate::manifests::selector;

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "restricted-profile",
        why: "Pod Security only warns about a Deployment, and then refuses each of its pods",
        find: restricted,
    },
    Policy {
        name: "read-only-root",
        why: "what can write its own files can be made to run others",
        find: read_only_root,
    },
    Policy {
        name: "no-api-token",
        why: "a token for the API server is a way from the program into the cluster; nothing here needs one",
        find: no_token,
    },
    Policy {
        name: "probes",
        why: "a server that is not ready gets requests, one that hangs is never restarted, a slow start is killed",
        find: probes,
    },
    Policy {
        name: "memory-limit-is-request",
        why: "memory that is lent is taken back by a kill; a CPU limit throttles while CPU is idle",
        find: resources,
    },
    Policy {
        name: "spread",
        why: "without Honor a drained node counts as the emptiest place; two pods on one host are lost together",
        find: spread,
    },
];

/// Kinds whose pods run until they are replaced.
const LASTING: [&str; 3] = ["Deployment", "StatefulSet", "DaemonSet"];

/// What must never be on one host with all its pods, and the key of hosts. The others are spread where they can be.
const APART: (&str, &str) = ("backend", HOST);
const HOST: &str = "kubernetes.io/hostname";

/// Where the program says whether it takes requests. It asks its stores, each for 2 s at most.
const READY: &str = "/ready";
const READY_SECONDS_MIN: u64 = 3;

/// A fault for each workload and each of these words.
fn each(manifests: &Manifests, words: impl Fn(&Pods<'_>) -> Vec<String>) -> Vec<Fault> {
    let workloads = manifests.workloads();
    workloads.iter().flat_map(|pods| words(pods).into_iter().map(|words| fault(pods.owner, words))).collect()
}

fn restricted(manifests: &Manifests) -> Vec<Fault> {
    each(manifests, |pods| {
        let spec = pods.spec.unwrap_or(&Value::Null);
        let shared = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|name| spec[*name] == true);
        let mut words: Vec<_> = shared.map(|name| format!("it sets {name}")).collect();
        let host = list(&spec["volumes"]).filter(|volume| volume["hostPath"].is_object());
        words.extend(host.map(|volume| format!("volume `{}` is a path of its node", text(&volume["name"]))));
        for container in pods.containers() {
            let name = text(&container["name"]);
            let missing = rights(&spec["securityContext"], &container["securityContext"]);
            words.extend(missing.into_iter().map(|what| format!("container `{name}`: {what}")));
        }
        words
    })
}

/// What of the profile `restricted` a container lacks. What it does not say, its pod may say for it.
fn rights(pod: &Value, container: &Value) -> Vec<&'static str> {
    let either = |field: &str| if container[field].is_null() { &pod[field] } else { &container[field] };
    let capabilities = &container["capabilities"];
    let seccomp = text(&either("seccompProfile")["type"]);
    let wanted = [
        (*either("runAsNonRoot") == true, "runAsNonRoot is not true"),
        (either("runAsUser").as_u64() != Some(0), "runAsUser is 0"),
        (["RuntimeDefault", "Localhost"].contains(&seccomp), "there is no seccompProfile"),
        (container["allowPrivilegeEscalation"] == false, "allowPrivilegeEscalation is not false"),
        (list(&capabilities["drop"]).any(|name| name == "ALL"), "capabilities are not dropped"),
        (list(&capabilities["add"]).all(|name| name == "NET_BIND_SERVICE"), "it adds capabilities"),
        (container["privileged"] != true, "it is privileged"),
    ];
    wanted.into_iter().filter(|(holds, _)| !holds).map(|(_, words)| words).collect()
}

fn read_only_root(manifests: &Manifests) -> Vec<Fault> {
    each(manifests, |pods| {
        let mut words = Vec::new();
        for container in pods.containers() {
            let name = text(&container["name"]);
            if container["securityContext"]["readOnlyRootFilesystem"] != true {
                words.push(format!("container `{name}` may write its root"));
            }
        }
        for container in pods.own_containers() {
            if !list(&container["volumeMounts"]).any(|mount| mount["mountPath"] == "/tmp") {
                words.push(format!("container `{}` has no /tmp", text(&container["name"])));
            }
        }
        words
    })
}

fn no_token(manifests: &Manifests) -> Vec<Fault> {
    each(manifests, |pods| {
        let off = pods.spec.is_some_and(|spec| spec["automountServiceAccountToken"] == false);
        if off { Vec::new() } else { vec!["automountServiceAccountToken is not false".to_owned()] }
    })
}

fn probes(manifests: &Manifests) -> Vec<Fault> {
    each(manifests, |pods| {
        if !LASTING.contains(&pods.owner.kind()) {
            return Vec::new();
        }
        let main = pods.spec.map_or_else(Default::default, |spec| list(&spec["containers"]));
        main.flat_map(|container| {
            let name = text(&container["name"]);
            let own = pods.own_containers().any(|own| own["name"] == container["name"]);
            let wanted =
                [("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", READY)];
            wanted.into_iter().filter_map(move |(probe, path)| {
                let found = &container[probe];
                let words = if found.is_null() {
                    format!("no {probe}")
                } else if own && found["httpGet"]["path"] != path {
                    format!("its {probe} does not ask {path}")
                } else if found["httpGet"].is_object() && port(container, &found["httpGet"]["port"]).is_none()
                {
                    format!("its {probe} asks a port that it has not got")
                } else if found["httpGet"]["path"] == READY && timeout_seconds(found) < READY_SECONDS_MIN {
                    format!(
                        "its {probe} gives {READY} {} s, which it may need to say that a store is away",
                        timeout_seconds(found)
                    )
                } else {
                    return None;
                };
                Some(format!("container `{name}`: {words}"))
            })
        })
        .collect()
    })
}

/// What Kubernetes waits for an answer; 1 s where nothing is said.
fn timeout_seconds(probe: &Value) -> u64 {
    probe["timeoutSeconds"].as_u64().unwrap_or(1)
}

/// A port that a container declares.
fn port<'a>(container: &'a Value, wanted: &Value) -> Option<&'a Value> {
    list(&container["ports"]).find(|port| port["name"] == *wanted || port["containerPort"] == *wanted)
}

fn resources(manifests: &Manifests) -> Vec<Fault> {
    each(manifests, |pods| {
        let mut words = Vec::new();
        for container in pods.containers() {
            let name = text(&container["name"]);
            let (requests, limits) = (&container["resources"]["requests"], &container["resources"]["limits"]);
            if requests["memory"].is_null() || requests["memory"] != limits["memory"] {
                words.push(format!("container `{name}`: its memory's limit is not its request"));
            }
            if requests["cpu"].is_null() {
                words.push(format!("container `{name}` asks for no CPU"));
            }
            if !limits["cpu"].is_null() {
                words.push(format!("container `{name}` has a CPU limit"));
            }
        }
        words
    })
}

fn spread(manifests: &Manifests) -> Vec<Fault> {
    each(manifests, |pods| {
        let (Some(spec), "Deployment") = (pods.spec, pods.owner.kind()) else { return Vec::new() };
        let mut words = Vec::new();
        for key in ["topology.kubernetes.io/zone", HOST] {
            let mut constraints = list(&spec["topologySpreadConstraints"]);
            let Some(constraint) = constraints.find(|constraint| constraint["topologyKey"] == key) else {
                words.push(format!("it is not spread over {key}"));
                continue;
            };
            let is_rule = constraint["whenUnsatisfiable"] == "DoNotSchedule" && constraint["maxSkew"] == 1;
            if (pods.owner.name(), key) == APART && !is_rule {
                words.push(format!("its spread over {key} is a wish, or lets two share one"));
            }
            if constraint["nodeTaintsPolicy"] != "Honor" {
                words.push(format!("its spread over {key} does not honour taints"));
            }
            let own = labels(&pods.owner.spec()["template"]["metadata"]["labels"]);
            let selector = &constraint["labelSelector"];
            if selector::is_empty(selector) || !selector::meets(selector, &own) {
                words.push(format!("its spread over {key} does not count its own pods"));
            }
        }
        words
    })
}
