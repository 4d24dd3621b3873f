//! Load balancers of AWS, by Ingress or by Gateway.

use serde_json::Value;

use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, list, number, text};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "alb-annotations-in-one-line",
        why: "the controller parses a list together with its line breaks, and refuses or misreads it",
        find: one_line,
    },
    Policy {
        name: "alb-checks-readiness",
        why: "/health stays 200 in a pod that drains, so the balancer would go on sending requests there",
        find: readiness,
    },
    Policy {
        name: "alb-tls-policy-known",
        why: "a policy that AWS has not got is refused only when the listener is made; an old one speaks old TLS",
        find: tls_policy,
    },
    Policy {
        name: "alb-drops-invalid-headers",
        why: "header fields that two programs read differently are a way to smuggle requests",
        find: invalid_headers,
    },
];

const PREFIX: &str = "alb.ingress.kubernetes.io/";
/// AWS' policies with TLS 1.3 and without anything older than 1.2.
const TLS_POLICIES: [&str; 9] = [
    "ELBSecurityPolicy-TLS13-1-2-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    "ELBSecurityPolicy-TLS13-1-3-2021-06",
    "ELBSecurityPolicy-TLS13-1-2-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-3-PQ-2025-09",
    "ELBSecurityPolicy-TLS13-1-2-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-2-Res-FIPS-2023-04",
    "ELBSecurityPolicy-TLS13-1-3-FIPS-2023-04",
];

/// An Ingress with annotations for the controller.
fn is_ingress(object: &Object) -> bool {
    object.kind() == "Ingress" && annotations(object).next().is_some()
}

fn annotations(object: &Object) -> impl Iterator<Item = (&str, &str)> {
    let all = object.0["metadata"]["annotations"].as_object().into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value.as_str()?)))
}

/// What makes load balancers.
pub(super) fn load_balancers(manifests: &Manifests) -> impl Iterator<Item = &Object> {
    manifests
        .objects
        .iter()
        .filter(|object| is_ingress(object) || object.kind() == "LoadBalancerConfiguration")
}

/// What makes target groups.
pub(super) fn target_groups(manifests: &Manifests) -> impl Iterator<Item = &Object> {
    manifests
        .objects
        .iter()
        .filter(|object| is_ingress(object) || object.kind() == "TargetGroupConfiguration")
}

/// The attributes that an object sets on its load balancer and on its target groups.
pub(super) fn attributes(object: &Object) -> Vec<(String, String)> {
    let written = annotations(object).filter(|(key, _)| key.ends_with("-attributes"));
    let pairs = written.flat_map(|(_, value)| value.split(',')).filter_map(|pair| pair.split_once('='));
    let mut found: Vec<_> =
        pairs.map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned())).collect();
    let spec = object.spec();
    for part in [&spec["loadBalancerAttributes"], &spec["defaultConfiguration"]["targetGroupAttributes"]] {
        found.extend(list(part).map(|pair| (text(&pair["key"]).to_owned(), text(&pair["value"]).to_owned())));
    }
    found
}

fn one_line(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in manifests.of("Ingress") {
        for (key, _) in annotations(object).filter(|(_, value)| value.contains('\n')) {
            faults.push(fault(object, format!("annotation `{PREFIX}{key}` has several lines")));
        }
    }
    faults
}

fn readiness(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in target_groups(manifests) {
        let config = &object.spec()["defaultConfiguration"]["healthCheckConfig"];
        let given = |name: &str, field: &str| -> Value {
            let written = annotations(object).find(|(key, _)| *key == name);
            written.map_or_else(|| config[field].clone(), |(_, value)| Value::String(value.to_owned()))
        };
        let path = given("healthcheck-path", "healthCheckPath");
        if path != "/ready" {
            faults.push(fault(object, format!("its health check asks {path}, not \"/ready\"")));
        }
        let interval = number(&given("healthcheck-interval-seconds", "healthCheckInterval"));
        let timeout = number(&given("healthcheck-timeout-seconds", "healthCheckTimeout"));
        if interval.zip(timeout).is_none_or(|(interval, timeout)| timeout >= interval) {
            faults.push(fault(
                object,
                "its health check does not say an interval, and a shorter time to answer",
            ));
        }
    }
    faults
}

fn tls_policy(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in &manifests.objects {
        let spec = object.spec();
        let named: Vec<&str> = match object.kind() {
            "Ingress" => {
                annotations(object).filter(|(key, _)| *key == "ssl-policy").map(|(_, value)| value).collect()
            }
            "IngressClassParams" => spec["sslPolicy"].as_str().into_iter().collect(),
            "LoadBalancerConfiguration" => {
                let secure = list(&spec["listenerConfigurations"])
                    .filter(|listener| text(&listener["protocolPort"]).starts_with("HTTPS"));
                secure.map(|listener| text(&listener["sslPolicy"])).collect()
            }
            _ => continue,
        };
        for name in named.into_iter().filter(|name| !TLS_POLICIES.contains(name)) {
            faults.push(fault(object, format!("`{name}` is no policy of AWS with TLS 1.3")));
        }
    }
    faults
}

fn invalid_headers(manifests: &Manifests) -> Vec<Fault> {
    const KEY: &str = "routing.http.drop_invalid_header_fields.enabled";
    let lax = load_balancers(manifests)
        .filter(|object| !attributes(object).iter().any(|(key, value)| key == KEY && value == "true"));
    lax.map(|object| fault(object, format!("it does not set {KEY}"))).collect()
}
