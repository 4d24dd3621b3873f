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
        why: "a policy that AWS has not got is refused only when the listener is made; an old one, or none, speaks old TLS",
        find: tls_policy,
    },
    Policy {
        name: "alb-gates-readiness",
        why: "a rollout outruns a balancer that has not yet seen the new pods, and requests find none",
        find: readiness_gate,
    },
    Policy {
        name: "alb-drops-invalid-headers",
        why: "header fields that two programs read differently are a way to smuggle requests",
        find: invalid_headers,
    },
];

const PREFIX: &str = "alb.ingress.kubernetes.io/";
/// The controller that a class of Ingress names.
const CONTROLLER: &str = "ingress.k8s.aws/alb";
/// The controller that a class of Gateways names.
const GATEWAY_CONTROLLER: &str = "gateway.k8s.aws/alb";
/// By this label of a namespace a pod is ready only once its target group says so.
const READINESS_GATE: &str = "elbv2.k8s.aws/pod-readiness-gate-inject";
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

/// An Ingress with annotations for the controller, or of a class of it.
pub(super) fn is_ingress(manifests: &Manifests, object: &Object) -> bool {
    let of_class = || class(manifests, object).is_some_and(|class| class.spec()["controller"] == CONTROLLER);
    object.kind() == "Ingress" && (annotations(object).next().is_some() || of_class())
}

/// The class of an Ingress.
fn class<'a>(manifests: &'a Manifests, ingress: &Object) -> Option<&'a Object> {
    manifests.find("IngressClass", text(&ingress.spec()["ingressClassName"]))
}

pub(super) fn annotations(object: &Object) -> impl Iterator<Item = (&str, &str)> {
    let all = object.0["metadata"]["annotations"].as_object().into_iter().flatten();
    all.filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value.as_str()?)))
}

/// What makes load balancers.
pub(super) fn load_balancers(manifests: &Manifests) -> impl Iterator<Item = &Object> {
    manifests
        .objects
        .iter()
        .filter(|object| is_ingress(manifests, object) || object.kind() == "LoadBalancerConfiguration")
}

/// What makes target groups.
pub(super) fn target_groups(manifests: &Manifests) -> impl Iterator<Item = &Object> {
    manifests
        .objects
        .iter()
        .filter(|object| is_ingress(manifests, object) || object.kind() == "TargetGroupConfiguration")
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

/// Each way in with TLS says by which policy: an Ingress by itself or by its class, a Gateway's balancer for each listener.
fn tls_policy(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in &manifests.objects {
        let named: Vec<&str> = match object.kind() {
            "Ingress" if is_ingress(manifests, object) => {
                let named = annotations(object).find(|(key, _)| *key == "ssl-policy").map(|(_, value)| value);
                // Where its class says something, that is what holds; it is looked at below.
                if named.is_none() && class_policy(manifests, object).is_some() {
                    continue;
                }
                vec![named.unwrap_or_default()]
            }
            "IngressClassParams" => object.spec()["sslPolicy"].as_str().into_iter().collect(),
            "LoadBalancerConfiguration" => {
                let mut secure = list(&object.spec()["listenerConfigurations"])
                    .filter(|listener| text(&listener["protocolPort"]).starts_with("HTTPS"))
                    .map(|listener| text(&listener["sslPolicy"]))
                    .peekable();
                if secure.peek().is_none() { vec![""] } else { secure.collect() }
            }
            _ => continue,
        };
        for name in named.into_iter().filter(|name| !TLS_POLICIES.contains(name)) {
            faults.push(fault(object, format!("`{name}` is no policy of AWS with TLS 1.3")));
        }
    }
    faults.extend(unconfigured(manifests));
    faults
}

/// The listeners of Gateways with TLS for which no balancer's configuration says anything.
fn unconfigured(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for gateway in manifests.of("Gateway") {
        let class = manifests.find("GatewayClass", text(&gateway.spec()["gatewayClassName"]));
        let Some(class) = class.filter(|class| class.spec()["controllerName"] == GATEWAY_CONTROLLER) else {
            continue;
        };
        let named = [&gateway.spec()["infrastructure"]["parametersRef"], &class.spec()["parametersRef"]];
        let configurations =
            named.map(|name| manifests.find("LoadBalancerConfiguration", text(&name["name"])));
        let configured: Vec<&str> = configurations
            .into_iter()
            .flatten()
            .flat_map(|object| list(&object.spec()["listenerConfigurations"]))
            .map(|listener| text(&listener["protocolPort"]))
            .collect();
        for listener in list(&gateway.spec()["listeners"]).filter(|listener| listener["protocol"] == "HTTPS")
        {
            let place = format!("HTTPS:{}", listener["port"]);
            if !configured.contains(&place.as_str()) {
                faults
                    .push(fault(gateway, format!("no LoadBalancerConfiguration names a policy of {place}")));
            }
        }
    }
    faults
}

/// What the class of an Ingress says about TLS.
fn class_policy<'a>(manifests: &'a Manifests, ingress: &Object) -> Option<&'a str> {
    let parameters = &class(manifests, ingress)?.spec()["parameters"];
    manifests.find(parameters["kind"].as_str()?, parameters["name"].as_str()?)?.spec()["sslPolicy"].as_str()
}

fn readiness_gate(manifests: &Manifests) -> Vec<Fault> {
    let gated = |namespace: &Object| namespace.0["metadata"]["labels"][READINESS_GATE] == "enabled";
    let targeted =
        |namespace: &Object| target_groups(manifests).any(|group| group.namespace() == namespace.name());
    let open = manifests.of("Namespace").filter(|namespace| targeted(namespace) && !gated(namespace));
    open.map(|namespace| fault(namespace, format!("it has no label `{READINESS_GATE}: enabled`"))).collect()
}

fn invalid_headers(manifests: &Manifests) -> Vec<Fault> {
    const KEY: &str = "routing.http.drop_invalid_header_fields.enabled";
    let lax = load_balancers(manifests)
        .filter(|object| !attributes(object).iter().any(|(key, value)| key == KEY && value == "true"));
    lax.map(|object| fault(object, format!("it does not set {KEY}"))).collect()
}
