//! What Prometheus is asked for.

use std::collections::BTreeSet;

use serde_json::Value;

use super::keda::triggers;
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, list, text};
use crate::manifests::promql::{self, Series};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "query-names-exported-series",
        why: "an alert or a trigger on a series that nobody exports is silent for ever",
        find: exported,
    },
    Policy {
        name: "query-names-set-labels",
        why: "a condition on a label that the series has not got meets nothing",
        find: labelled,
    },
    Policy {
        name: "alert-says-what-to-do",
        why: "who is woken needs to know how bad it is and what to do",
        find: alerts,
    },
];

/// What exporters beside the program have: not all that there is, but what these manifests may count on.
const EXPORTERS: [&[&str]; 5] = [
    // kube-state-metrics
    &[
        "kube_cronjob_created",
        "kube_cronjob_status_last_successful_time",
        "kube_deployment_status_replicas_available",
        "kube_horizontalpodautoscaler_info",
        "kube_horizontalpodautoscaler_spec_max_replicas",
        "kube_horizontalpodautoscaler_spec_min_replicas",
        "kube_horizontalpodautoscaler_status_condition",
        "kube_horizontalpodautoscaler_status_current_replicas",
        "kube_job_failed",
        "kube_pod_container_resource_limits",
        "kube_pod_container_resource_requests",
        "kube_pod_container_status_waiting_reason",
        "kube_pod_status_reason",
        "kube_poddisruptionbudget_status_expected_pods",
        "kube_poddisruptionbudget_status_pod_disruptions_allowed",
    ],
    // The kubelet, with cAdvisor
    &["container_cpu_usage_seconds_total", "container_memory_working_set_bytes"],
    // KEDA
    &["keda_scaled_object_errors_total", "keda_scaler_http_requests_total"],
    // CloudNativePG and its plugin for backups
    &[
        "barman_cloud_cloudnative_pg_io_last_available_backup_timestamp",
        "cnpg_collector_pg_wal_archive_status",
        "cnpg_collector_up",
    ],
    // Prometheus itself
    &["up"],
];

/// The labels that a scrape adds to whatever is exported.
const SCRAPE: [&str; 9] =
    ["namespace", "pod", "container", "job", "instance", "endpoint", "node", "prometheus", "service"];

/// Every query, with its object and the name that it has there.
pub(in crate::manifests) fn queries(manifests: &Manifests) -> Vec<(&Object, String, &str)> {
    let of_triggers = triggers(manifests).filter(|(_, trigger)| trigger["type"] == "prometheus").map(
        |(object, trigger)| {
            (object, format!("trigger `{}`", text(&trigger["name"])), text(&trigger["metadata"]["query"]))
        },
    );
    let of_rules = rules(manifests).map(|(object, rule)| (object, name(rule), text(&rule["expr"])));
    of_triggers.chain(of_rules).collect()
}

fn rules(manifests: &Manifests) -> impl Iterator<Item = (&Object, &Value)> {
    manifests.of("PrometheusRule").flat_map(|object| {
        let groups = list(&object.spec()["groups"]);
        groups.flat_map(|group| list(&group["rules"])).map(move |rule| (object, rule))
    })
}

fn name(rule: &Value) -> String {
    let of = |kind: &str| rule[kind].as_str().map(|name| format!("{kind} `{name}`"));
    of("alert").or_else(|| of("record")).unwrap_or_else(|| "a rule without a name".to_owned())
}

/// Every series of every query; what can't be read is a fault of its own.
fn asked(manifests: &Manifests) -> (Vec<(&Object, String, Series)>, Vec<Fault>) {
    let (mut series, mut faults) = (Vec::new(), Vec::new());
    for (object, name, query) in queries(manifests) {
        match promql::read(query) {
            Ok(asked) => series.extend(asked.series.into_iter().map(|one| (object, name.clone(), one))),
            Err(words) => faults.push(fault(object, format!("{name}: {words}"))),
        }
    }
    (series, faults)
}

fn exported(manifests: &Manifests) -> Vec<Fault> {
    let recorded: BTreeSet<&str> = rules(manifests).filter_map(|(_, rule)| rule["record"].as_str()).collect();
    let (series, mut faults) = asked(manifests);
    for (object, name, one) in series {
        let metric = one.metric.as_str();
        let known = manifests.known.metrics.contains_key(metric)
            || recorded.contains(metric)
            || EXPORTERS.iter().any(|names| names.contains(&metric));
        if !known {
            faults.push(fault(object, format!("{name}: nobody exports `{metric}`")));
        }
    }
    faults
}

fn labelled(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (object, name, one) in asked(manifests).0 {
        let Some(own) = manifests.known.metrics.get(&one.metric) else { continue };
        for label in
            one.labels.iter().filter(|label| !own.contains(*label) && !SCRAPE.contains(&label.as_str()))
        {
            faults.push(fault(object, format!("{name}: `{}` has no label `{label}`", one.metric)));
        }
    }
    faults
}

fn alerts(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (object, rule) in rules(manifests).filter(|(_, rule)| !rule["alert"].is_null()) {
        let parts = [("labels", "severity"), ("annotations", "summary"), ("annotations", "runbook_url")];
        for (part, key) in parts.into_iter().filter(|(part, key)| text(&rule[*part][*key]).is_empty()) {
            faults.push(fault(object, format!("{}: no {key} in its {part}", name(rule))));
        }
    }
    faults
}
