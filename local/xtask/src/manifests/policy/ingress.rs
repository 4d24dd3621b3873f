//! The way in.

use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, list};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "no-class-annotation",
        why: "the annotation is deprecated; without a class, any controller or none takes the Ingress",
        find: class,
    },
    Policy {
        name: "no-affinity-or-hash",
        why: "any request may go to any pod: affinity keeps load on old pods and defeats scaling",
        find: affinity,
    },
];

/// How annotations begin by which requests stick to a pod, or choose one by a hash, after whose they are.
const STICKY: [&str; 5] = ["affinity", "session-cookie", "session-affinity", "upstream-hash-by", "sticky"];
/// An algorithm that one of those overrules: who reads it believes otherwise.
const OVERRULED: &str = "load-balance";

fn class(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for ingress in manifests.of("Ingress") {
        if ingress.annotation("kubernetes.io/ingress.class").is_some() {
            faults.push(fault(ingress, "it names its class by an annotation"));
        }
        if ingress.spec()["ingressClassName"].is_null() {
            faults.push(fault(ingress, "it has no ingressClassName"));
        }
    }
    faults
}

fn affinity(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in &manifests.objects {
        let annotations = object.0["metadata"]["annotations"].as_object().into_iter().flatten();
        for (key, _) in annotations.filter(|(key, _)| is_sticky(key)) {
            faults.push(fault(object, format!("annotation `{key}`")));
        }
        faults.extend(in_spec(object).map(|words| fault(object, words)));
    }
    for object in super::alb::target_groups(manifests) {
        let attributes = super::alb::attributes(object);
        if attributes.iter().any(|(key, value)| key == "stickiness.enabled" && value == "true") {
            faults.push(fault(object, "its target group is sticky"));
        }
    }
    faults
}

fn is_sticky(annotation: &str) -> bool {
    let name = annotation.rsplit_once('/').map_or(annotation, |(_, name)| name);
    name == OVERRULED || STICKY.iter().any(|beginning| name.starts_with(beginning))
}

fn in_spec(object: &Object) -> Option<&'static str> {
    let spec = object.spec();
    let route = list(&spec["rules"]).any(|rule| !rule["sessionPersistence"].is_null());
    match object.kind() {
        "Service" if spec["sessionAffinity"] == "ClientIP" => Some("sessionAffinity is ClientIP"),
        "HTTPRoute" if route => Some("a rule has sessionPersistence"),
        _ => None,
    }
}
