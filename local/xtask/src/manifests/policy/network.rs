//! Who may speak to whom.

use serde_json::Value;

use super::addresses::place;
use super::keda::triggers;
use super::references::at;
use super::servers::{POSTGRES, servers};
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
const HTTP: u64 = 80;
const HTTPS: u64 = 443;
const API_SERVER: [u64; 2] = [HTTPS, 6443];
/// Where cert-manager's solver listens.
const SOLVER: u64 = 8089;
/// Where CloudNativePG asks an instance for its state.
const INSTANCE_STATUS: u64 = 8000;

/// Where something scales or some policy is: what neither scales nor says who may speak to whom is a trial.
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
    /// Whoever is not of this namespace: another one's pods, or an address.
    Outside,
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
        Peer::Outside => one["ipBlock"].is_object() || one["namespaceSelector"].is_object(),
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
    faults.extend(to_solvers(manifests));
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
                if !admits(manifests, &pods, Way::Ingress, Peer::Outside, ("TCP", number)) {
                    faults.push(fault(
                        service,
                        format!("nobody from outside may reach {} on {number}", pods.owner.label()),
                    ));
                }
            }
        }
    }
    faults
}

/// Whoever hands certificates out asks the pod that cert-manager makes for it.
fn to_solvers(manifests: &Manifests) -> Vec<Fault> {
    let all = manifests.pods();
    let solvers = all.iter().filter(|pods| pods.owner.group() == "cert-manager.io");
    let closed =
        solvers.filter(|pods| !admits(manifests, pods, Way::Ingress, Peer::Outside, ("TCP", SOLVER)));
    closed
        .map(|pods| fault(pods.owner, format!("nobody from outside may reach its solver on {SOLVER}")))
        .collect()
}

fn to_monitored_ports(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for monitor in manifests.of("PodMonitor") {
        for pods in manifests.selected(monitor, &monitor.spec()["selector"]) {
            for endpoint in list(&monitor.spec()["podMetricsEndpoints"]) {
                // A port that is not there is the monitor's fault, which another policy finds.
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

/// A pod with an address of a database, or of one that these manifests don't tell, must get there.
fn to_database(manifests: &Manifests, pods: &Pods<'_>) -> Vec<Fault> {
    let has_one = |container: &&Value| {
        list(&container["env"]).any(|variable| variable["name"] == "DATABASE_URL")
            || manifests.setting(container, "DATABASE_URL").is_some()
    };
    let Some(container) = pods.own_containers().find(has_one) else { return Vec::new() };
    let address = manifests.setting(container, "DATABASE_URL").unwrap_or_default();
    to_address(manifests, pods, &address, POSTGRES, "its database")
}

/// The faults on the way to an address: to the pods that answer there, or out to its port.
fn to_address(
    manifests: &Manifests,
    pods: &Pods<'_>,
    address: &str,
    port_default: u64,
    what: &str,
) -> Vec<Fault> {
    let servers = servers(manifests, pods.owner.namespace(), address, port_default);
    if servers.is_empty() {
        let port = place(address).1.unwrap_or(port_default);
        let reached = admits(manifests, pods, Way::Egress, Peer::Somebody, ("TCP", port));
        let words = format!("it may not reach {what} (TCP {port})");
        return if reached { Vec::new() } else { vec![fault(pods.owner, words)] };
    }
    servers.iter().flat_map(|(server, port)| between(manifests, pods, server, *port)).collect()
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
    to_address(manifests, pods, endpoint.unwrap_or_default(), HTTPS, "its objects")
}

/// Poolers reach instances, instances each other and their archive, the operator each instance. What manages a pod from
/// inside, be it an instance's or a pooler's, asks the API server what to do.
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
            faults.extend(to_api_server(manifests, pooler));
        }
        faults.extend(to_api_server(manifests, cluster));
        faults.extend(to_archive(manifests, cluster));
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

/// Its Service's port, and the one behind it: some networks look at the one, some at the other.
fn to_api_server(manifests: &Manifests, pods: &Pods<'_>) -> Vec<Fault> {
    let ports = API_SERVER.into_iter();
    let closed = ports.filter(|port| !admits(manifests, pods, Way::Egress, Peer::Outside, ("TCP", *port)));
    closed.map(|port| fault(pods.owner, format!("it may not reach the API server (TCP {port})"))).collect()
}

/// Where a cluster's plugin for backups keeps them.
fn to_archive(manifests: &Manifests, cluster: &Pods<'_>) -> Vec<Fault> {
    let names = at(&cluster.owner.0, "/spec/plugins/*/parameters/barmanObjectName").into_iter().map(text);
    let stores = names.filter_map(|name| manifests.find("ObjectStore", name));
    let addresses = stores.map(|store| text(&store.spec()["configuration"]["endpointURL"]));
    addresses
        .flat_map(|address| {
            let port = if address.starts_with("http://") { HTTP } else { HTTPS };
            to_address(manifests, cluster, address, port, "its archive")
        })
        .collect()
}
