//! What an object names must be there.

use serde_json::Value;

use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, Pods, list, text};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "references-exist",
        why: "a pod whose ConfigMap, Secret or ServiceAccount is missing never starts",
        find: references_exist,
    },
    Policy {
        name: "named-object-exists",
        why: "an object that names another one which is not there waits for it, and says so only in its status",
        find: named_objects,
    },
    Policy {
        name: "settings-known",
        why: "a variable that the program does not read is a setting that nobody set",
        find: settings_known,
    },
    Policy {
        name: "stores-are-set",
        why: "where nothing is said, the program keeps records and objects in its own folder, which goes with the pod",
        find: stores_set,
    },
    Policy {
        name: "config-rolls-pods",
        why: "pods read their settings at start: a changed ConfigMap under the same name changes nothing",
        find: config_rolls_pods,
    },
];

/// Where objects name others: whose, where, and of which kind; `None` where the place says the kind itself.
const NAMED: [(&str, &str, Option<&str>); 17] = [
    ("Gateway", "/spec/infrastructure/parametersRef", None),
    ("Gateway", "/spec/listeners/*/tls/certificateRefs/*", Some("Secret")),
    ("GatewayClass", "/spec/parametersRef", None),
    ("HTTPRoute", "/spec/parentRefs/*", Some("Gateway")),
    ("Ingress", "/spec/tls/*/secretName", Some("Secret")),
    ("IngressClass", "/spec/parameters", None),
    ("LoadBalancerConfiguration", "/spec/defaultTargetGroupConfiguration", Some("TargetGroupConfiguration")),
    ("TargetGroupConfiguration", "/spec/targetReference", Some("Service")),
    ("Certificate", "/spec/issuerRef", None),
    ("Issuer", "/spec/acme/solvers/*/http01/gatewayHTTPRoute/parentRefs/*", Some("Gateway")),
    ("ExternalSecret", "/spec/secretStoreRef", None),
    ("NodePool", "/spec/template/spec/nodeClassRef", None),
    ("TriggerAuthentication", "/spec/secretTargetRef/*", Some("Secret")),
    ("Pooler", "/spec/cluster", Some("Cluster")),
    ("ScheduledBackup", "/spec/cluster", Some("Cluster")),
    ("Cluster", "/spec/plugins/*/parameters/barmanObjectName", Some("ObjectStore")),
    ("ObjectStore", "/spec/configuration/s3Credentials/*", Some("Secret")),
];
/// What AWS's own libraries read, which is not the program's to declare.
const FOREIGN: [&str; 1] = ["AWS_"];

fn references_exist(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for pods in manifests.workloads() {
        for (kind, name, key) in references(&pods) {
            let words = match (kind, manifests.find(kind, name)) {
                (_, Some(object)) => match key {
                    Some(key) if !has_key(object, key) => format!("{kind} `{name}` has no key `{key}`"),
                    _ => continue,
                },
                ("Secret", None) if is_made(manifests, name) => continue,
                ("ServiceAccount", None) if name == "default" => continue,
                (_, None) => format!("{kind} `{name}` is not there"),
            };
            faults.push(fault(pods.owner, words));
        }
    }
    faults
}

/// What pods need before they start: kind, name and key.
fn references<'a>(pods: &Pods<'a>) -> Vec<(&'static str, &'a str, Option<&'a str>)> {
    let mut found = Vec::new();
    let mut add = |kind: &'static str, name: &'a Value, key: Option<&'a str>, of: &'a Value| {
        if let Some(name) = name.as_str()
            && of["optional"] != true
        {
            found.push((kind, name, key));
        }
    };
    for container in pods.containers() {
        for variable in list(&container["env"]) {
            for (kind, field) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
                let reference = &variable["valueFrom"][field];
                add(kind, &reference["name"], reference["key"].as_str(), reference);
            }
        }
        for from in list(&container["envFrom"]) {
            for (kind, field) in [("ConfigMap", "configMapRef"), ("Secret", "secretRef")] {
                add(kind, &from[field]["name"], None, &from[field]);
            }
        }
    }
    let spec = pods.spec.unwrap_or(&Value::Null);
    for volume in list(&spec["volumes"]) {
        add("ConfigMap", &volume["configMap"]["name"], None, &volume["configMap"]);
        add("Secret", &volume["secret"]["secretName"], None, &volume["secret"]);
        add("PersistentVolumeClaim", &volume["persistentVolumeClaim"]["claimName"], None, &Value::Null);
    }
    add("ServiceAccount", &spec["serviceAccountName"], None, &Value::Null);
    found
}

fn has_key(object: &Object, key: &str) -> bool {
    ["data", "stringData", "binaryData"].iter().any(|part| object.0[*part].get(key).is_some())
}

/// Whether a Secret comes by an operator, or is one of those that people are told to make.
fn is_made(manifests: &Manifests, name: &str) -> bool {
    let by_external_secrets = |object: &Object| {
        let target = &object.spec()["target"]["name"];
        target.as_str().map_or(object.name() == name, |target| target == name)
    };
    manifests.of("ExternalSecret").any(by_external_secrets)
        || manifests.of("Certificate").any(|certificate| certificate.spec()["secretName"] == name)
        || manifests.of("Cluster").any(|cluster| {
            ["app", "superuser", "ca", "server"]
                .iter()
                .any(|part| name == format!("{}-{part}", cluster.name()))
        })
        || manifests.known.secrets.contains(name)
}

fn named_objects(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (owner, place, kind) in NAMED {
        for object in manifests.of(owner) {
            for reference in at(&object.0, place) {
                let name = reference.as_str().unwrap_or_else(|| text(&reference["name"]));
                let kind = kind.unwrap_or_else(|| text(&reference["kind"]));
                match manifests.find(kind, name) {
                    None if kind == "Secret" && is_made(manifests, name) => {}
                    None => faults.push(fault(object, format!("{kind} `{name}` is not there"))),
                    Some(found) if !has_listener(found, &reference["sectionName"]) => {
                        faults.push(fault(
                            object,
                            format!("{kind} `{name}` has no listener {}", reference["sectionName"]),
                        ));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    faults
}

/// The values at a place; `*` in it stands for every element.
pub(super) fn at<'a>(value: &'a Value, place: &str) -> Vec<&'a Value> {
    place.split('/').skip(1).fold(vec![value], |values, part| {
        let next = values.into_iter().flat_map(|value| match (part, value) {
            ("*", Value::Array(all)) => all.iter().collect(),
            ("*", Value::Object(all)) => all.values().collect(),
            (name, value) => value.get(name).into_iter().collect::<Vec<_>>(),
        });
        next.collect()
    })
}

/// Where no listener is named, any will do.
fn has_listener(gateway: &Object, name: &Value) -> bool {
    name.is_null() || list(&gateway.spec()["listeners"]).any(|listener| listener["name"] == *name)
}

fn settings_known(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for pods in manifests.workloads() {
        for container in pods.own_containers() {
            for name in variables(manifests, container) {
                let known = manifests.known.settings.contains(name)
                    || FOREIGN.iter().any(|beginning| name.starts_with(beginning))
                    || is_a_part(container, name);
                if !known {
                    faults.push(fault(pods.owner, format!("`{name}` is no setting of the program")));
                }
            }
        }
    }
    faults
}

fn stores_set(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for pods in manifests.workloads() {
        for container in pods.own_containers() {
            let names = variables(manifests, container);
            for store in ["DATABASE_URL", "OBJECT_URL"] {
                let file = format!("{store}_FILE");
                if !names.iter().any(|name| *name == store || *name == file) {
                    faults.push(fault(pods.owner, format!("`{store}` is not set")));
                }
            }
        }
    }
    faults
}

/// The names of a container's variables, as far as the manifests tell them.
fn variables<'a>(manifests: &'a Manifests, container: &'a Value) -> Vec<&'a str> {
    let mut names: Vec<&str> = list(&container["env"]).map(|variable| text(&variable["name"])).collect();
    for from in list(&container["envFrom"]) {
        let map = manifests.find("ConfigMap", text(&from["configMapRef"]["name"]));
        let data = map.and_then(|map| map.0["data"].as_object());
        names.extend(data.into_iter().flat_map(|data| data.keys().map(String::as_str)));
    }
    names
}

/// Whether a variable is there to be put into another: `$(NAME)`.
fn is_a_part(container: &Value, name: &str) -> bool {
    let written = format!("$({name})");
    list(&container["env"]).any(|variable| text(&variable["value"]).contains(&written))
}

/// A generated name ends in a hash of what is in the map. Jobs are exempt: their template can't change with it.
fn config_rolls_pods(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for pods in manifests.workloads() {
        if ["Job", "CronJob"].contains(&pods.owner.kind()) {
            continue;
        }
        let maps = references(&pods).into_iter().filter(|(kind, ..)| *kind == "ConfigMap");
        for name in maps.map(|(_, name, _)| name).filter(|name| !ends_in_hash(name)) {
            faults.push(fault(
                pods.owner,
                format!("ConfigMap `{name}` has no hash of its content in its name"),
            ));
        }
    }
    faults
}

/// kustomize's hashes: ten characters without vowels and without digits that look like one.
fn ends_in_hash(name: &str) -> bool {
    let hash = name.rsplit_once('-').map_or("", |(_, hash)| hash);
    hash.len() == 10 && hash.chars().all(|c| "2456789bcdfghkmt".contains(c))
}
