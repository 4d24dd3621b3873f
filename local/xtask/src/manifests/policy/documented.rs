//! Times that SCALING.md promises, beside those of the ladder.

use super::alb::{attributes, load_balancers};
use super::shutdown::IDLE_SECONDS_DEFAULT;
use super::{Fault, Policy, documented_fault, fault};
use crate::manifests::objects::{Manifests, Object, number};

pub(super) const POLICIES: &[Policy] = &[Policy {
    name: "times-as-documented",
    why: "each waits at least as long as the one it waits for: by SCALING.md people tell whose time is over",
    find: times,
}];

/// The rows that manifests are behind; all others are the program's.
const PROXIES: &str = "ALB idle, nginx read and connect";
const POOLER: &str = "a statement that waits in PgBouncer";
/// What PgBouncer has where nothing is said.
const QUERY_WAIT_SECONDS_DEFAULT: u64 = 120;

fn times(manifests: &Manifests) -> Vec<Fault> {
    let rows = &manifests.known.scaling.times;
    let program = &manifests.known.times;
    let mut faults = Vec::new();
    for (who, seconds) in program {
        match rows.iter().find(|(row, _)| row == who) {
            None => faults.push(documented_fault(format!("it has no row `{who}` in its table of times"))),
            Some((_, said)) if said != seconds => {
                faults.push(documented_fault(format!(
                    "it says {said:?} s of `{who}`, the program {seconds:?} s"
                )));
            }
            Some(_) => {}
        }
    }
    let is_known = |who: &str| [PROXIES, POOLER].contains(&who) || program.iter().any(|(row, _)| row == who);
    let unknown = rows.iter().filter(|(who, _)| !is_known(who));
    faults.extend(unknown.map(|(who, _)| documented_fault(format!("nothing waits as its row `{who}` says"))));
    faults.extend(configured(manifests));
    faults
}

/// What objects say, against the rows for it.
fn configured(manifests: &Manifests) -> Vec<Fault> {
    let kept = manifests.known.keep_alive_seconds;
    let said = |who: &str| {
        let row = manifests.known.scaling.times.iter().find(|(row, _)| row == who);
        row.and_then(|(_, seconds)| seconds.first().copied())
    };
    let mut found: Vec<(&Object, &str, u64)> = Vec::new();
    for object in load_balancers(manifests) {
        let given = attributes(object).into_iter().find(|(key, _)| key == "idle_timeout.timeout_seconds");
        let idle = given.map_or(Some(IDLE_SECONDS_DEFAULT), |(_, value)| value.parse().ok());
        // One that outlasts the program's connections is another policy's fault.
        found.extend(idle.filter(|idle| *idle < kept).map(|idle| (object, PROXIES, idle)));
    }
    for ingress in manifests.of("Ingress") {
        let given =
            ["read", "connect"].map(|which| format!("nginx.ingress.kubernetes.io/proxy-{which}-timeout"));
        let seconds = given.iter().filter_map(|name| ingress.annotation(name)?.parse().ok());
        found.extend(seconds.map(|seconds| (ingress, PROXIES, seconds)));
    }
    for pooler in manifests.of("Pooler") {
        let wait = number(&pooler.spec()["pgbouncer"]["parameters"]["query_wait_timeout"]);
        found.push((pooler, POOLER, wait.unwrap_or(QUERY_WAIT_SECONDS_DEFAULT)));
    }
    let wrong = found.into_iter().filter(|(_, who, seconds)| said(who) != Some(*seconds));
    wrong
        .map(|(object, who, seconds)| {
            let said = said(who).map_or_else(|| "nothing".to_owned(), |said| format!("{said} s"));
            fault(object, format!("it waits {seconds} s, SCALING.md says {said} of `{who}`"))
        })
        .collect()
}
