//! The ladder that a pod goes down: each step at least as long as the one before.

use serde_json::Value;

use super::alb::{attributes, load_balancers, target_groups};
use super::{Fault, Policy, documented_fault, fault};
use crate::manifests::objects::{Manifests, Object, number};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "shutdown-ladder",
        why: "a pod that is killed before it has finished, or told to stop while requests still come, loses some",
        find: ladder,
    },
    Policy {
        name: "ladder-as-documented",
        why: "by SCALING.md people set the times of what stands before the pods",
        find: documented,
    },
    Policy {
        name: "keep-alive-outlasts-the-balancer",
        why: "a balancer that reuses a connection which the server has just closed answers 502",
        find: keep_alive,
    },
];

/// How long endpoints, proxies and balancers may take to learn that a pod is going.
const PRE_STOP_SECONDS_MIN: u64 = 20;
/// What Kubernetes gives where nothing is said.
const TERMINATION_SECONDS_DEFAULT: u64 = 30;
/// What a target group of AWS has where nothing is said.
const DEREGISTRATION_SECONDS_DEFAULT: u64 = 300;
/// What a load balancer of AWS has where nothing is said.
pub(super) const IDLE_SECONDS_DEFAULT: u64 = 60;

fn ladder(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    let (grace, close) = (manifests.known.grace_seconds, manifests.known.close_seconds);
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
            if sleep + grace + close > termination {
                let words = format!(
                    "it is killed after {termination} s, before preStop ({sleep} s), grace ({grace} s) and its \
                     connections' end ({close} s) are over"
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

/// The steps of the table in SCALING.md.
const BEGIN: &str = "pod is to go";
const PRE_STOP: &str = "preStop.sleep";
const DRAIN_WAIT: &str = "SIGTERM, DRAIN_WAIT_SECONDS";
const GRACE: &str = "grace";
const DEREGISTRATION: &str = "ALB deregistration";
const TERMINATION: &str = "terminationGracePeriodSeconds";

/// The steps as the table has them: what pods and target groups say, and what the program has by itself.
fn documented(manifests: &Manifests) -> Vec<Fault> {
    // A ladder that does not hold is another policy's fault.
    if !ladder(manifests).is_empty() {
        return Vec::new();
    }
    let known = &manifests.known;
    let mut faults = Vec::new();
    for (step, seconds) in [(BEGIN, 0), (GRACE, known.grace_seconds)] {
        if said(manifests, step) != Some(seconds) {
            faults.push(documented_fault(format!("its ladder does not say {seconds} s of `{step}`")));
        }
    }
    let mut found: Vec<(&Object, &str, u64)> = Vec::new();
    for pods in manifests.workloads().iter().filter(|pods| pods.is_own()) {
        let termination = pods.spec.and_then(|spec| number(&spec["terminationGracePeriodSeconds"]));
        found.push((pods.owner, TERMINATION, termination.unwrap_or(TERMINATION_SECONDS_DEFAULT)));
        for container in pods.own_containers().filter(|_| pods.owner.kind() == "Deployment") {
            let sleep = number(&container["lifecycle"]["preStop"]["sleep"]["seconds"]);
            found.push((pods.owner, PRE_STOP, sleep.unwrap_or(0)));
            let wait = manifests.setting(container, "DRAIN_WAIT_SECONDS");
            let wait = wait.and_then(|wait| wait.parse().ok()).unwrap_or(known.drain_wait_seconds);
            found.push((pods.owner, DRAIN_WAIT, wait));
        }
    }
    found.extend(target_groups(manifests).map(|group| (group, DEREGISTRATION, delay(group).unwrap_or(0))));
    for (object, step, seconds) in found {
        let said = said(manifests, step);
        if said != Some(seconds) {
            let said = said.map_or_else(|| "nothing".to_owned(), |said| format!("{said} s"));
            faults.push(fault(object, format!("{seconds} s, SCALING.md's ladder says {said} of `{step}`")));
        }
    }
    let steps = [BEGIN, PRE_STOP, DRAIN_WAIT, GRACE, DEREGISTRATION, TERMINATION];
    let unknown = known.scaling.ladder.iter().filter(|(step, _)| !steps.contains(&step.as_str()));
    faults.extend(unknown.map(|(step, _)| documented_fault(format!("nothing is behind its step `{step}`"))));
    faults
}

fn said(manifests: &Manifests, step: &str) -> Option<u64> {
    manifests.known.scaling.ladder.iter().find(|(name, _)| name == step).map(|(_, seconds)| *seconds)
}

/// How long a target group goes on with a target that is to go; `None` where that is no number.
fn delay(group: &Object) -> Option<u64> {
    let given = attributes(group).into_iter().find(|(key, _)| key == "deregistration_delay.timeout_seconds");
    given.map_or(Some(DEREGISTRATION_SECONDS_DEFAULT), |(_, value)| value.parse().ok())
}

/// While a target is deregistered, requests that are under way go on; so long must the pod live.
fn deregistration(manifests: &Manifests, life: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    for object in target_groups(manifests) {
        let delay = delay(object);
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
