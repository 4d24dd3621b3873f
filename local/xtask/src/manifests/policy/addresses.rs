//! Addresses in triggers, and in what the program is given.

use serde_json::Value;

use super::keda::triggers;
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, list, text};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "trigger-address-full",
        why: "KEDA looks names up in its own namespace: a short one is another Service there, or none",
        find: trigger_addresses,
    },
    Policy {
        name: "address-names-a-service",
        why: "a name of this namespace that no Service has is a dependency that never answers",
        find: own_addresses,
    },
];

/// The keys of triggers that hold addresses, some of them several.
const KEYS: [&str; 5] = ["serverAddress", "address", "addresses", "host", "hosts"];
const SUFFIX: &str = ".svc.cluster.local";

fn trigger_addresses(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (object, trigger) in triggers(manifests) {
        let values = KEYS.iter().filter_map(|key| trigger["metadata"][*key].as_str());
        for host in values.flat_map(|value| value.split(',')).map(host).filter(|host| !is_full(host)) {
            faults.push(fault(object, format!("`{host}` is no full name, such as NAME.NAMESPACE{SUFFIX}")));
        }
    }
    faults
}

/// The host of an address, with or without scheme, credentials, port and path.
fn host(address: &str) -> &str {
    place(address).0
}

/// Host and port of an address.
pub(super) fn place(address: &str) -> (&str, Option<u64>) {
    let rest = address.trim().split_once("://").map_or(address.trim(), |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or(rest);
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    place.split_once(':').map_or((place, None), |(host, port)| (host, port.parse().ok()))
}

/// A Service's whole name, or a name of the wide world.
fn is_full(host: &str) -> bool {
    let labels = host.split('.').filter(|label| !label.is_empty()).count();
    let in_cluster = host.contains(".svc");
    if in_cluster { host.ends_with(SUFFIX) && labels == 5 } else { labels >= 3 }
}

/// Full names in the settings of pods and in triggers that lie in a namespace of these manifests.
fn own_addresses(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut texts: Vec<(&crate::manifests::objects::Object, &Value)> = Vec::new();
    for pods in manifests.workloads() {
        let variables = pods.containers().flat_map(|container| list(&container["env"]));
        texts.extend(variables.map(|variable| (pods.owner, &variable["value"])));
    }
    for map in manifests.of("ConfigMap") {
        texts.extend(map.0["data"].as_object().into_iter().flatten().map(|(_, value)| (map, value)));
    }
    for (object, trigger) in triggers(manifests) {
        texts.extend(KEYS.iter().map(|key| (object, &trigger["metadata"][*key])));
    }
    for (object, value) in texts {
        for name in services(text(value)) {
            let own = name.1 == object.namespace();
            if own && !has_service(manifests, name.0) {
                faults.push(fault(object, format!("no Service `{}` is in namespace `{}`", name.0, name.1)));
            }
        }
    }
    faults
}

/// Every `NAME.NAMESPACE.svc` in a text.
fn services(text: &str) -> Vec<(&str, &str)> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let hosts = text.split(|c| !is_host(c)).filter(|host| host.contains(".svc"));
    hosts
        .filter_map(|host| {
            let mut labels = host.split('.');
            Some((labels.next()?, labels.next()?)).filter(|_| labels.next() == Some("svc"))
        })
        .collect()
}

/// A Service of these manifests, or one that CloudNativePG makes for a cluster or a pooler.
fn has_service(manifests: &Manifests, name: &str) -> bool {
    manifests.find("Service", name).is_some()
        || manifests.find("Pooler", name).is_some()
        || manifests
            .of("Cluster")
            .any(|cluster| ["rw", "ro", "r"].iter().any(|role| name == format!("{}-{role}", cluster.name())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_told_from_a_full_one() {
        for (address, full) in [
            ("http://prometheus.monitoring.svc.cluster.local:9090", true),
            ("redis://user:pass@redis.apps.svc.cluster.local:6379/0", true),
            ("db.cluster-1.eu-central-1.rds.amazonaws.com:5432", true),
            ("http://prometheus:9090", false),
            ("prometheus.monitoring", false),
            ("prometheus.monitoring.svc", false),
            ("localhost:6379", false),
        ] {
            assert_eq!(is_full(host(address)), full, "{address}");
        }
    }

    #[test]
    fn a_place_is_a_host_and_perhaps_a_port() {
        assert_eq!(
            place("postgres://$(USER):$(PASSWORD)@db.apps.svc:5432/d?x=1"),
            ("db.apps.svc", Some(5432))
        );
        assert_eq!(place("https://db.example.com/d"), ("db.example.com", None));
        assert_eq!(place(""), ("", None));
    }

    #[test]
    fn services_are_found_in_texts() {
        let text = "s3://b?endpoint=http://store.ns.svc.cluster.local:8333&x=1 postgres://a@db.ns.svc/d";
        assert_eq!(services(text), [("store", "ns"), ("db", "ns")]);
    }
}
