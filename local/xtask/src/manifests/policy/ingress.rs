//! The way in.

use serde_json::Value;

use super::alb::{annotations, is_ingress};
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, list, text};

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
    Policy {
        name: "plain-http-redirected",
        why: "whoever asks by plain HTTP sends a password or a session for everybody to read, and is answered",
        find: redirected,
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

/// A way in has HTTPS, and its plain HTTP only says where to go.
fn redirected(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for gateway in manifests.of("Gateway") {
        let listeners = || list(&gateway.spec()["listeners"]);
        if !listeners().any(|listener| listener["protocol"] == "HTTPS") {
            faults.push(fault(gateway, "none of its listeners is for HTTPS"));
        }
        for listener in listeners().filter(|listener| listener["protocol"] == "HTTP") {
            let name = text(&listener["name"]);
            let mut at_it =
                manifests.of("HTTPRoute").filter(|route| is_route_of(route, gateway, listener)).peekable();
            if at_it.peek().is_none() {
                faults.push(fault(gateway, format!("no route says at `{name}` where to go")));
            }
            let others = at_it.filter(|route| !only_redirects(route));
            faults.extend(others.map(|route| fault(route, format!("it answers plain HTTP at `{name}`"))));
        }
    }
    for ingress in manifests.of("Ingress") {
        if is_ingress(manifests, ingress) {
            faults.extend(by_annotations(ingress).map(|words| fault(ingress, words)));
        } else if list(&ingress.spec()["tls"]).next().is_none() {
            faults.push(fault(ingress, "it has no `tls`"));
        }
    }
    faults
}

/// Whether a route is at a listener: where it names none, it is at each.
fn is_route_of(route: &Object, gateway: &Object, listener: &Value) -> bool {
    route.namespace() == gateway.namespace()
        && list(&route.spec()["parentRefs"]).any(|parent| {
            let section = &parent["sectionName"];
            parent["name"] == gateway.name() && (section.is_null() || *section == listener["name"])
        })
}

fn only_redirects(route: &Object) -> bool {
    let redirects = |filter: &Value| {
        filter["type"] == "RequestRedirect" && filter["requestRedirect"]["scheme"] == "https"
    };
    list(&route.spec()["rules"]).all(|rule| list(&rule["filters"]).any(redirects))
}

/// What is missing of a balancer of AWS that is made by annotations.
fn by_annotations(ingress: &Object) -> Option<&'static str> {
    let given = |name: &str| annotations(ingress).find(|(key, _)| *key == name).map(|(_, value)| value);
    let ports: Value = serde_json::from_str(given("listen-ports").unwrap_or_default()).unwrap_or_default();
    let secure: Vec<u64> = list(&ports).filter_map(|port| port["HTTPS"].as_u64()).collect();
    let redirect = given("ssl-redirect").and_then(|port| port.parse().ok());
    if secure.is_empty() {
        Some("its listen-ports have no HTTPS")
    } else if !redirect.is_some_and(|port| secure.contains(&port)) {
        Some("its ssl-redirect is to none of its ports for HTTPS")
    } else {
        None
    }
}
