//! The ladder that a pod goes down: each step at least as long as the one before.

use serde_json::Value;

use super::alb::{attributes, load_balancers, target_groups};
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, number};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "shutdown-ladder",
        why: "a pod that is killed before it has finished, or told to stop while requests still come, loses some",
        find: ladder,
    },
    Policy {
        name: "keep-alive-outlasts-the-balancer",
        why: "a balancer that reuses a connection which the server has just closed answers 502",
        find: keep_alive,
    },
];

/// How long endpoints, proxies and balancers may take to learn that a pod is going.
const PRE_STOP_SECONDS_MIN: u64 = 5;
/// What Kubernetes gives where nothing is said.
const TERMINATION_SECONDS_DEFAULT: u64 = 30;
/// What a target group of AWS has where nothing is said.
const DEREGISTRATION_SECONDS_DEFAULT: u64 = 300;
/// What a load balancer of AWS has where nothing is said.
const IDLE_SECONDS_DEFAULT: u64 = 60;

fn ladder(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    let grace = manifests.known.grace_seconds;
    let mut life_max = None;
    for pods in manifests.workloads() {
        let Some(spec) = pods.spec.filter(|_| pods.is_own()) else { continue };
        let termination =
            number(&spec["terminationGracePeriodSeconds"]).unwrap_or(TERMINATION_SECONDS_DEFAULT);
        let lasting = pods.owner.kind() == "Deployment";
        for container in pods.own_containers() {
            let sleep = number(&container["lifecycle"]["preStop"]["sleep"]["seconds"]).unwrap_or(0);
            if lasting && sleep < PRE_STOP_SECONDS_MIN {
                let words = format!("it sleeps {sleep} s before its end, less than {PRE_STOP_SECONDS_MIN}");
                faults.push(fault(pods.owner, words));
            }
            if sleep + grace > termination {
                let words = format!(
                    "it is killed after {termination} s, before preStop ({sleep} s) and grace ({grace} s) are over"
                );
                faults.push(fault(pods.owner, words));
            }
            if lasting {
                life_max = Some(life_max.unwrap_or(u64::MAX).min(sleep + grace));
            }
        }
    }
    faults.extend(deregistration(manifests, life_max.unwrap_or(u64::MAX)));
    faults
}

/// While a target is deregistered, requests that are under way go on; so long must the pod live.
fn deregistration(manifests: &Manifests, life: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in target_groups(manifests) {
        let given =
            attributes(object).into_iter().find(|(key, _)| key == "deregistration_delay.timeout_seconds");
        let delay = match given {
            Some((_, value)) => number(&Value::String(value)),
            None => Some(DEREGISTRATION_SECONDS_DEFAULT),
        };
        if delay.is_none_or(|delay| delay > life) {
            let delay = delay.map_or_else(|| "no number of".to_owned(), |delay| delay.to_string());
            faults.push(fault(
                object,
                format!("it deregisters for {delay} s, longer than a pod lives on ({life} s)"),
            ));
        }
    }
    faults
}

fn keep_alive(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    let kept = manifests.known.keep_alive_seconds;
    for object in load_balancers(manifests) {
        let given = attributes(object).into_iter().find(|(key, _)| key == "idle_timeout.timeout_seconds");
        let idle = match given {
            Some((_, value)) => number(&Value::String(value)),
            None => Some(IDLE_SECONDS_DEFAULT),
        };
        if idle.is_none_or(|idle| idle >= kept) {
            let idle = idle.map_or_else(|| "no number of".to_owned(), |idle| idle.to_string());
            faults.push(fault(
                object,
                format!("it keeps idle connections for {idle} s, the program for {kept} s"),
            ));
        }
    }
    faults
}
