//! Selectors and targets: each meets what it is meant for, and nothing else.

use serde_json::Value;

use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, labels, list, text};
use crate::manifests::selector;

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "selector-meets-one-workload",
        why: "no API server tells that a selector is empty, meets nothing, or meets what belongs to another",
        find: selectors,
    },
    Policy {
        name: "template-meets-its-selector",
        why: "a workload whose selector does not meet its own pods is refused",
        find: templates,
    },
    Policy {
        name: "target-exists",
        why: "an autoscaler of a workload that is not there scales nothing, and says so only in its status",
        find: targets,
    },
    Policy {
        name: "backend-exists",
        why: "a route to a Service or a port that is not there answers 503",
        find: backends,
    },
    Policy {
        name: "monitor-finds-its-port",
        why: "a monitor of a port that is not there scrapes nothing, and alerts on its metrics stay silent",
        find: monitors,
    },
];

fn selectors(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in &manifests.objects {
        let selector = match object.kind() {
            // A Service has a plain map of labels; one without selector has its endpoints from elsewhere.
            "Service" if object.spec()["selector"].is_null() => continue,
            "Service" => serde_json::json!({"matchLabels": object.spec()["selector"]}),
            "PodDisruptionBudget" => object.spec()["selector"].clone(),
            _ => continue,
        };
        if selector::is_empty(&selector) {
            faults.push(fault(object, "its selector is empty, and so meets every pod of the namespace"));
            continue;
        }
        let met = manifests.selected(object, &selector);
        if met.len() != 1 {
            let names: Vec<_> = met.iter().map(|pods| pods.owner.label()).collect();
            faults.push(fault(
                object,
                format!("its selector meets {} workloads: {}", met.len(), names.join(", ")),
            ));
        }
    }
    faults.extend(network_policies(manifests));
    faults
}

/// A network policy may be for many, and for all where it only denies or only lets names be looked up.
fn network_policies(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for policy in manifests.of("NetworkPolicy") {
        let selector = &policy.spec()["podSelector"];
        if !selector::is_empty(selector) && manifests.selected(policy, selector).is_empty() {
            faults.push(fault(policy, "its selector meets no workload"));
        }
        if selector::is_empty(selector) && list(&policy.spec()["ingress"]).next().is_some() {
            faults.push(fault(
                policy,
                "its selector is empty, and so lets others in to every pod of the namespace",
            ));
        }
    }
    faults
}

fn templates(manifests: &Manifests) -> Vec<Fault> {
    let of_selectors = |object: &&Object| ["Deployment", "StatefulSet", "DaemonSet"].contains(&object.kind());
    let unmet = |object: &&Object| {
        let selector = &object.spec()["selector"];
        let own = labels(&object.spec()["template"]["metadata"]["labels"]);
        selector::is_empty(selector) || !selector::meets(selector, &own)
    };
    let broken = manifests.objects.iter().filter(of_selectors).filter(unmet);
    broken.map(|object| fault(object, "its selector does not meet its own pods")).collect()
}

/// Where autoscalers name what they scale.
fn targets(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in &manifests.objects {
        if let Some((kind, name)) = target(object)
            && manifests.find(kind, name).is_none()
        {
            faults.push(fault(object, format!("its target {kind}/{name} is not there")));
        }
    }
    faults
}

/// Kind and name of what an autoscaler scales; `None` for other objects.
pub(super) fn target(object: &Object) -> Option<(&str, &str)> {
    let (reference, default) = match object.kind() {
        "HorizontalPodAutoscaler" => (&object.spec()["scaleTargetRef"], ""),
        "ScaledObject" => (&object.spec()["scaleTargetRef"], "Deployment"),
        "VerticalPodAutoscaler" => (&object.spec()["targetRef"], ""),
        _ => return None,
    };
    Some((reference["kind"].as_str().unwrap_or(default), text(&reference["name"])))
}

fn backends(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in &manifests.objects {
        let (backends, words) = match object.kind() {
            "HTTPRoute" => (of_route(object), None),
            "Ingress" => (of_ingress(object), Some("it has neither a rule nor a default backend")),
            _ => continue,
        };
        if let (true, Some(words)) = (backends.is_empty(), words) {
            faults.push(fault(object, words));
        }
        for (name, port) in backends {
            let has = |service: &Object| {
                list(&service.spec()["ports"]).any(|known| known["port"] == *port || known["name"] == *port)
            };
            let words = match manifests.find("Service", name) {
                None => format!("Service `{name}` is not there"),
                Some(service) if !has(service) => format!("Service `{name}` has no port {port}"),
                Some(_) => continue,
            };
            faults.push(fault(object, words));
        }
    }
    faults
}

/// The names of the Services to which something from outside the cluster leads.
pub(super) fn routed(manifests: &Manifests) -> Vec<&str> {
    let routes = manifests.of("HTTPRoute").flat_map(of_route);
    let ingresses = manifests.of("Ingress").flat_map(of_ingress);
    routes.chain(ingresses).map(|(name, _)| name).collect()
}

fn of_route(route: &Object) -> Vec<(&str, &Value)> {
    let rules = list(&route.spec()["rules"]);
    let backends = rules.flat_map(|rule| list(&rule["backendRefs"]));
    backends.map(|backend| (text(&backend["name"]), &backend["port"])).collect()
}

fn of_ingress(ingress: &Object) -> Vec<(&str, &Value)> {
    let rules = list(&ingress.spec()["rules"]);
    let paths = rules.flat_map(|rule| list(&rule["http"]["paths"])).map(|path| &path["backend"]);
    let default = Some(&ingress.spec()["defaultBackend"]).filter(|backend| backend.is_object());
    let services = paths.chain(default).map(|backend| &backend["service"]);
    services
        .map(|service| {
            let port = &service["port"];
            (text(&service["name"]), if port["name"].is_null() { &port["number"] } else { &port["name"] })
        })
        .collect()
}

fn monitors(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for monitor in manifests.of("PodMonitor") {
        let met = manifests.selected(monitor, &monitor.spec()["selector"]);
        if met.is_empty() {
            faults.push(fault(monitor, "its selector meets no pods"));
        }
        for endpoint in list(&monitor.spec()["podMetricsEndpoints"]) {
            let missing = |port: &Value| met.iter().any(|pods| pods.port(port).is_none());
            if missing(&endpoint["port"]) {
                faults.push(fault(monitor, format!("no container has a port {}", endpoint["port"])));
            }
        }
    }
    for monitor in manifests.of("ServiceMonitor") {
        let selector = &monitor.spec()["selector"];
        let met: Vec<_> = manifests
            .of("Service")
            .filter(|service| selector::meets(selector, &labels(&service.0["metadata"]["labels"])))
            .collect();
        if met.is_empty() {
            faults.push(fault(monitor, "its selector meets no Service"));
        }
        for endpoint in list(&monitor.spec()["endpoints"]) {
            let has = |service: &&Object| {
                list(&service.spec()["ports"]).any(|port| port["name"] == endpoint["port"])
            };
            if !met.iter().all(has) {
                faults.push(fault(monitor, format!("a Service has no port {}", endpoint["port"])));
            }
        }
    }
    faults
}
