//! What answers at an address.

use super::addresses::place;
use crate::manifests::objects::{Manifests, Pods, list, number};

/// Where PostgreSQL and its poolers listen.
pub(super) const POSTGRES: u64 = 5432;

/// The pods of these manifests that an address leads to, each with the port that it reaches. There are none where the
/// address leads out of the namespace, or to a port that its Service has not got.
pub(super) fn servers<'a>(
    manifests: &'a Manifests,
    namespace: &str,
    address: &str,
    port_default: u64,
) -> Vec<(Pods<'a>, u64)> {
    let (host, port) = place(address);
    let port = port.unwrap_or(port_default);
    let Some(name) = name_within(host, namespace) else { return Vec::new() };
    let mut services = manifests.of("Service").filter(|service| service.namespace() == namespace);
    let Some(service) = services.find(|service| service.name() == name) else {
        let mut pods = manifests.pods();
        pods.retain(|pods| pods.owner.namespace() == namespace && has_name(pods, name));
        return pods.into_iter().map(|pods| (pods, POSTGRES)).collect();
    };
    let Some(open) = list(&service.spec()["ports"]).find(|open| number(&open["port"]) == Some(port)) else {
        return Vec::new();
    };
    let target = if open["targetPort"].is_null() { &open["port"] } else { &open["targetPort"] };
    let selector = serde_json::json!({"matchLabels": service.spec()["selector"]});
    let selected = manifests.selected(service, &selector).into_iter();
    selected.filter_map(|pods| pods.port(target).map(|port| (pods, port))).collect()
}

/// The Service's name in a host that is one of this namespace: `NAME`, `NAME.NAMESPACE`, `NAME.NAMESPACE.svc` and so on.
fn name_within<'a>(host: &'a str, namespace: &str) -> Option<&'a str> {
    let mut labels = host.split('.');
    let name = labels.next()?;
    let within = match (labels.next(), labels.next()) {
        (None, _) => true,
        (Some(of), rest) => of == namespace && rest.is_none_or(|rest| rest == "svc"),
    };
    within.then_some(name)
}

/// Whether CloudNativePG makes a Service of this name for these pods: to a pooler by its own name, to a cluster by that of
/// a role.
fn has_name(pods: &Pods<'_>, name: &str) -> bool {
    match (pods.owner.group(), pods.owner.kind()) {
        ("postgresql.cnpg.io", "Pooler") => name == pods.owner.name(),
        ("postgresql.cnpg.io", "Cluster") => {
            ["rw", "ro", "r"].iter().any(|role| name == format!("{}-{role}", pods.owner.name()))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_of_the_namespace_is_a_name_in_it() {
        for (host, name) in [
            ("db", Some("db")),
            ("db.apps", Some("db")),
            ("db.apps.svc", Some("db")),
            ("db.apps.svc.cluster.local", Some("db")),
            ("db.other.svc.cluster.local", None),
            ("db.example.com", None),
            ("db.apps.com", None),
        ] {
            assert_eq!(name_within(host, "apps"), name, "{host}");
        }
    }
}
