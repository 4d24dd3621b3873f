//! Who may speak to whom.

use serde_json::Value;

use super::keda::triggers;
use super::targets::routed;
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, Pods, list, number, text};
use crate::manifests::selector;

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "default-deny",
        why: "without it whatever is not named may be reached, also by what was broken into",
        find: default_deny,
    },
    Policy {
        name: "needed-flows-admitted",
        why: "a flow that is forgotten looks like a dependency that is away",
        find: flows,
    },
];

const DNS: u64 = 53;
const POSTGRES: u64 = 5432;
/// Where CloudNativePG asks an instance for its state.
const INSTANCE_STATUS: u64 = 8000;

/// Only where some policy is: the overlay for development has none.
fn default_deny(manifests: &Manifests) -> Vec<Fault> {
    let denies = |policy: &Object| {
        let types: Vec<_> = list(&policy.spec()["policyTypes"]).map(text).collect();
        let none = |part: &str| list(&policy.spec()[part]).next().is_none();
        selector::is_empty(&policy.spec()["podSelector"])
            && ["Ingress", "Egress"].iter().all(|kind| types.contains(kind))
            && none("ingress")
            && none("egress")
    };
    let scaled = manifests.of("HorizontalPodAutoscaler").chain(manifests.of("ScaledObject")).next().is_some();
    let mut faults = Vec::new();
    for namespace in manifests.of("Namespace") {
        let mut policies =
            manifests.of("NetworkPolicy").filter(|policy| policy.namespace() == namespace.name());
        let needed = scaled || policies.clone().next().is_some();
        if needed && !policies.any(denies) {
            faults.push(fault(namespace, "no NetworkPolicy denies everything that no other one admits"));
        }
    }
    faults
}

/// One direction of traffic, as a policy knows it.
#[derive(Clone, Copy)]
enum Way {
    Ingress,
    Egress,
}

impl Way {
    /// The name of its type, of its rules, and of their peers.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Ingress => ("Ingress", "ingress", "from"),
            Self::Egress => ("Egress", "egress", "to"),
        }
    }
}

/// The other end of a flow.
#[derive(Clone, Copy)]
enum Peer<'a> {
    /// Whoever it is: one rule with the port is enough.
    Somebody,
    /// Pods of these manifests.
    Pods(&'a Pods<'a>),
    /// Pods of another namespace.
    Namespace(&'a str),
}

/// Whether pods may speak with a peer on a port; where no policy selects them, they may.
fn admits(manifests: &Manifests, pods: &Pods<'_>, way: Way, peer: Peer<'_>, port: (&str, u64)) -> bool {
    let (kind, rules, peers) = way.names();
    let mut chosen = manifests
        .of("NetworkPolicy")
        .filter(|policy| {
            policy.namespace() == pods.owner.namespace()
                && list(&policy.spec()["policyTypes"]).any(|named| named == kind)
                && selector::meets(&policy.spec()["podSelector"], &pods.labels)
        })
        .peekable();
    if chosen.peek().is_none() {
        return true;
    }
    let server = match (way, peer) {
        (Way::Ingress, _) => Some(pods),
        (Way::Egress, Peer::Pods(other)) => Some(other),
        (Way::Egress, _) => None,
    };
    chosen.flat_map(|policy| list(&policy.spec()[rules])).any(|rule| {
        has_port(&rule["ports"], port, server)
            && (rule[peers].is_null() || list(&rule[peers]).any(|one| is_peer(one, peer)))
    })
}

fn has_port(ports: &Value, (protocol, wanted): (&str, u64), server: Option<&Pods<'_>>) -> bool {
    let matches = |port: &Value| {
        if port["protocol"].as_str().unwrap_or("TCP") != protocol {
            return false;
        }
        let named = || server.and_then(|pods| pods.port(&port["port"]));
        match number(&port["port"]).or_else(named) {
            Some(first) => (first..=number(&port["endPort"]).unwrap_or(first)).contains(&wanted),
            None => port["port"].is_null(),
        }
    };
    ports.is_null() || list(ports).any(matches)
}

fn is_peer(one: &Value, peer: Peer<'_>) -> bool {
    match peer {
        Peer::Somebody => true,
        Peer::Pods(pods) => {
            let namespace = one["namespaceSelector"].is_null() || in_namespace(one, pods.owner.namespace());
            let any = one["podSelector"].is_null() && !one["namespaceSelector"].is_null();
            namespace
                && (any
                    || one["podSelector"].is_object() && selector::meets(&one["podSelector"], &pods.labels))
        }
        // Which pods there are in another namespace is not known here.
        Peer::Namespace(name) => in_namespace(one, name),
    }
}

/// Whether a peer's selector of namespaces meets this one; its name is a label that every namespace has.
fn in_namespace(one: &Value, name: &str) -> bool {
    let labels = [("kubernetes.io/metadata.name".to_owned(), name.to_owned())].into();
    one["namespaceSelector"].is_object() && selector::meets(&one["namespaceSelector"], &labels)
}

fn flows(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(to_routed_services(manifests));
    faults.extend(to_monitored_ports(manifests));
    for pods in manifests.workloads().iter().filter(|pods| pods.is_own()) {
        for protocol in ["UDP", "TCP"] {
            if !admits(manifests, pods, Way::Egress, Peer::Somebody, (protocol, DNS)) {
                faults.push(fault(pods.owner, format!("it may not look names up ({protocol} {DNS})")));
            }
        }
        faults.extend(to_database(manifests, pods));
        faults.extend(to_objects(manifests, pods));
    }
    faults.extend(inside_database(manifests));
    faults
}

/// Somebody must be let in to where a way from outside leads.
fn to_routed_services(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    let routed = routed(manifests);
    for service in manifests.of("Service").filter(|service| routed.contains(&service.name())) {
        let selector = serde_json::json!({"matchLabels": service.spec()["selector"]});
        for pods in manifests.selected(service, &selector) {
            for port in list(&service.spec()["ports"]) {
                let target = if port["targetPort"].is_null() { &port["port"] } else { &port["targetPort"] };
                let Some(number) = pods.port(target) else {
                    faults.push(fault(service, format!("{} has no port {target}", pods.owner.label())));
                    continue;
                };
                if !admits(manifests, &pods, Way::Ingress, Peer::Somebody, ("TCP", number)) {
                    faults
                        .push(fault(service, format!("nobody may reach {} on {number}", pods.owner.label())));
                }
            }
        }
    }
    faults
}

fn to_monitored_ports(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for monitor in manifests.of("PodMonitor") {
        for pods in manifests.selected(monitor, &monitor.spec()["selector"]) {
            for endpoint in list(&monitor.spec()["podMetricsEndpoints"]) {
                let Some(number) = pods.port(&endpoint["port"]) else { continue };
                if !admits(manifests, &pods, Way::Ingress, Peer::Namespace("monitoring"), ("TCP", number)) {
                    faults.push(fault(
                        monitor,
                        format!("Prometheus may not reach {} on {number}", pods.owner.label()),
                    ));
                }
            }
        }
    }
    faults
}

/// A pod with an address of a database in these manifests, its pooler or its instances, must get there.
fn to_database(manifests: &Manifests, pods: &Pods<'_>) -> Vec<Fault> {
    let variables = pods.own_containers().flat_map(|container| list(&container["env"]));
    let Some(variable) = variables.into_iter().find(|variable| variable["name"] == "DATABASE_URL") else {
        return Vec::new();
    };
    let address = text(&variable["value"]);
    let all = manifests.pods();
    let servers: Vec<_> = all.iter().filter(|server| serves_postgres(server, address)).collect();
    let mut faults = Vec::new();
    if servers.is_empty() && !admits(manifests, pods, Way::Egress, Peer::Somebody, ("TCP", POSTGRES)) {
        faults.push(fault(pods.owner, format!("it may not reach its database (TCP {POSTGRES})")));
    }
    for server in servers {
        faults.extend(between(manifests, pods, server, POSTGRES));
    }
    faults
}

/// Whether an address leads to these pods: to a pooler by its own name, to a cluster by that of its role.
fn serves_postgres(server: &Pods<'_>, address: &str) -> bool {
    let host =
        address.rsplit_once('@').map_or("", |(_, rest)| rest.split(['.', ':', '/']).next().unwrap_or(""));
    match (server.owner.group(), server.owner.kind()) {
        ("postgresql.cnpg.io", "Pooler") => host == server.owner.name(),
        ("postgresql.cnpg.io", "Cluster") => {
            ["rw", "ro", "r"].iter().any(|role| host == format!("{}-{role}", server.owner.name()))
        }
        _ => false,
    }
}

/// The faults of one flow, which both ends must admit.
fn between(manifests: &Manifests, from: &Pods<'_>, to: &Pods<'_>, port: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !admits(manifests, from, Way::Egress, Peer::Pods(to), ("TCP", port)) {
        faults.push(fault(from.owner, format!("it may not reach {} on {port}", to.owner.label())));
    }
    if !admits(manifests, to, Way::Ingress, Peer::Pods(from), ("TCP", port)) {
        faults.push(fault(to.owner, format!("{} may not reach it on {port}", from.owner.label())));
    }
    faults
}

fn to_objects(manifests: &Manifests, pods: &Pods<'_>) -> Vec<Fault> {
    let mut containers = pods.own_containers();
    let Some(url) = containers.find_map(|container| manifests.setting(container, "OBJECT_URL")) else {
        return Vec::new();
    };
    if !url.starts_with("s3://") {
        return Vec::new();
    }
    let endpoint = url.split(['?', '&']).find_map(|part| part.strip_prefix("endpoint="));
    let place = endpoint.map(|endpoint| endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest));
    let name = place.and_then(|place| place.split(['.', ':', '/']).next()).unwrap_or_default();
    let Some(service) = manifests.find("Service", name) else {
        let port =
            place.and_then(|place| place.split('/').next()?.rsplit_once(':')?.1.parse().ok()).unwrap_or(443);
        let reached = admits(manifests, pods, Way::Egress, Peer::Somebody, ("TCP", port));
        let words = format!("it may not reach its objects (TCP {port})");
        return if reached { Vec::new() } else { vec![fault(pods.owner, words)] };
    };
    let selector = serde_json::json!({"matchLabels": service.spec()["selector"]});
    let servers = manifests.selected(service, &selector);
    let ports = list(&service.spec()["ports"]);
    let flows = ports.flat_map(|port| {
        servers.iter().filter_map(move |server| Some((server, server.port(&port["targetPort"])?)))
    });
    flows.flat_map(|(server, port)| between(manifests, pods, server, port)).collect()
}

/// Poolers reach instances, instances each other, and the operator each instance.
fn inside_database(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    let all = manifests.pods();
    let of_kind = |kind: &'static str| {
        all.iter().filter(move |pods| pods.owner.group() == "postgresql.cnpg.io" && pods.owner.kind() == kind)
    };
    for cluster in of_kind("Cluster") {
        for pooler in
            of_kind("Pooler").filter(|pooler| pooler.owner.spec()["cluster"]["name"] == cluster.owner.name())
        {
            faults.extend(between(manifests, pooler, cluster, POSTGRES));
        }
        for port in [POSTGRES, INSTANCE_STATUS] {
            faults.extend(between(manifests, cluster, cluster, port));
        }
        let from =
            |name, port| admits(manifests, cluster, Way::Ingress, Peer::Namespace(name), ("TCP", port));
        if !from("cnpg-system", INSTANCE_STATUS) {
            faults.push(fault(cluster.owner, format!("its operator may not reach it on {INSTANCE_STATUS}")));
        }
        let asked = triggers(manifests).any(|(_, trigger)| trigger["type"] == "postgresql");
        if asked && !from("keda", POSTGRES) {
            faults.push(fault(cluster.owner, format!("KEDA, which asks it, may not reach it on {POSTGRES}")));
        }
    }
    faults
}
