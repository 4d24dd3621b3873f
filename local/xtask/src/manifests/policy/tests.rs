//! Each policy breaks on a manifest that is wrong in its way, and on no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value};

mod addons;

use super::all;
use crate::manifests::known::{Known, Scaling};
use crate::manifests::objects::{Manifests, Object, read};

/// What a file does with the object of its kind and name, where it is not merged into it.
const PATCH: &str = "$patch";

fn folder() -> PathBuf {
    crate::workspace::root().join("local/xtask/fixtures/manifests")
}

/// A program that is smaller than the real one, so that these tests change only when policies do.
fn known() -> Known {
    let labels = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    Known {
        version: "0.1.0".to_owned(),
        settings: labels(&[
            "DATABASE_URL",
            "DATABASE_POOL_MAX",
            "DRAIN_WAIT_SECONDS",
            "OBJECT_URL",
            "LOG",
            "WORKER_CONCURRENCY",
        ]),
        metrics: BTreeMap::from([
            ("recon_jobs".to_owned(), labels(&["state"])),
            ("http_requests_total".to_owned(), labels(&["route", "method", "status"])),
        ]),
        secrets: labels(&["tls"]),
        grace_seconds: 30,
        close_seconds: 5,
        keep_alive_seconds: 75,
        drain_wait_seconds: 2,
        times: vec![("client".to_owned(), vec![75])],
        scaling: Scaling::read(&scaling()).unwrap(),
    }
}

/// What the smaller program's SCALING.md says.
fn scaling() -> String {
    fs::read_to_string(folder().join("SCALING.md")).unwrap()
}

fn objects(path: &str) -> Vec<Object> {
    read(&fs::read_to_string(folder().join(path)).unwrap())
        .unwrap_or_else(|error| panic!("{path}: {error:#}"))
}

/// What an overlay is committed as.
fn rendered(overlay: &str) -> Vec<Object> {
    let path = crate::workspace::root().join(format!("infra/k8s/rendered/{overlay}.yaml"));
    read(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The names of the policies that find a fault, each with the first one.
fn red(objects: Vec<Object>) -> BTreeMap<&'static str, String> {
    red_by(objects, known())
}

fn red_by(objects: Vec<Object>, known: Known) -> BTreeMap<&'static str, String> {
    let manifests = Manifests { objects, known };
    all()
        .filter_map(|policy| {
            let fault = (policy.find)(&manifests).into_iter().next()?;
            Some((policy.name, format!("{}: {}", fault.object, fault.words)))
        })
        .collect()
}

/// Puts what a file changes into the objects that are right.
fn changed(mut objects: Vec<Object>, changes: Vec<Object>) -> Vec<Object> {
    for mut change in changes {
        let at = objects.iter().position(|object| object.label() == change.label());
        let patch = change.0.as_object_mut().and_then(|map| map.shift_remove(PATCH));
        match (at, patch.as_ref().and_then(Value::as_str)) {
            (Some(at), Some("delete")) => drop(objects.remove(at)),
            (Some(at), None) => merge(&mut objects[at].0, change.0),
            (_, Some("add")) | (None, None) => objects.push(change),
            (at, patch) => panic!("{}: {at:?} {patch:?}", change.label()),
        }
    }
    objects
}

/// Maps are merged by key and lists by `name` where both have names; null removes; all else replaces.
fn merge(into: &mut Value, change: Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                if value.is_null() {
                    into.shift_remove(&key);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(into), Value::Array(change)) if named(into) && named(&change) => {
            for one in change {
                match into.iter_mut().find(|known| known["name"] == one["name"]) {
                    Some(known) => merge(known, one),
                    None => into.push(one),
                }
            }
        }
        (into @ Value::Null, Value::Object(change)) => {
            *into = Value::Object(Map::new());
            merge(into, Value::Object(change));
        }
        (into, change) => *into = change,
    }
}

fn named(list: &[Value]) -> bool {
    !list.is_empty() && list.iter().all(|one| one["name"].is_string())
}

#[test]
fn what_is_right_breaks_no_policy() {
    assert_eq!(red(objects("right.yaml")), BTreeMap::new());
}

#[test]
fn each_broken_manifest_breaks_its_policy_and_no_other() {
    let mut covered = BTreeSet::new();
    let mut wrong = Vec::new();
    let right = objects("right.yaml");
    for entry in fs::read_dir(folder().join("broken")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        // NAME.yaml, or NAME.CASE.yaml where there are several ways to break it.
        let name = file.split('.').next().unwrap().to_owned();
        let found = red(changed(right.clone(), objects(&format!("broken/{file}"))));
        if found.keys().copied().collect::<Vec<_>>() != [name.as_str()] {
            wrong.push(format!("{file}: {found:#?}"));
        }
        covered.insert(name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let policies: BTreeSet<String> = all().map(|policy| policy.name.to_owned()).collect();
    assert_eq!(covered, policies, "each policy has a manifest that breaks it");
}

/// Stores may be outside of a cluster, so no single overlay tells that a row is of nothing.
#[test]
fn each_row_of_the_limits_is_of_something_in_the_portable_overlay() {
    let text = fs::read_to_string(crate::workspace::root().join("SCALING.md")).unwrap();
    let (objects, limits) = (rendered("production-portable"), Scaling::read(&text).unwrap().limits);
    for limit in limits {
        let is_meant = |object: &Object| match limit.workload.as_str() {
            "database" => object.kind() == "Cluster",
            "pooler" => object.kind() == "Pooler",
            name => ["Deployment", "StatefulSet"].contains(&object.kind()) && object.name() == name,
        };
        assert!(objects.iter().any(is_meant), "{} is nowhere", limit.workload);
    }
}

#[test]
fn what_is_said_of_eks_is_the_sum_of_the_clients() {
    let text = fs::read_to_string(crate::workspace::root().join("SCALING.md")).unwrap();
    let budget = Scaling::read(&text).unwrap().budget;
    let before = |line: usize, separator: &str| {
        let sum = budget[line].split_once(" <= ").unwrap().0;
        sum.rsplit_once(separator).unwrap().1
    };
    let (opened, in_rollout) = (before(0, " = "), before(1, " : "));
    assert!(text.contains(&format!("`{opened} <= max_connections - 10`, {in_rollout} in a rollout")));
}

#[test]
fn a_promise_that_is_not_kept_is_missed() {
    let (right, text) = (objects("right.yaml"), scaling());
    for (said, instead, policy) in [
        ("| store | 1 | 1 |", "| shop | 1 | 1 |", "limits-as-documented"),
        ("| store | 1 | 1 |  |\n", "", "limits-as-documented"),
        ("| worker | 1 | 10 | 2 a pod |\n", "", "limits-as-documented"),
        ("| pod is to go | 0 |\n", "", "ladder-as-documented"),
        ("| grace | 30 |", "| grace | 25 |", "ladder-as-documented"),
        ("| `preStop.sleep` | 20 |", "| `preStop.sleep` | 15 |", "ladder-as-documented"),
        ("| SIGTERM, `DRAIN_WAIT_SECONDS` | 2 |", "| SIGTERM | 2 |", "ladder-as-documented"),
        ("| ALB deregistration | 30 |", "| ALB deregistration | 45 |", "ladder-as-documented"),
        ("Seconds` | 60 |", "Seconds` | 30 |", "ladder-as-documented"),
        ("| grace | 30 |", "| grace | 30 |\n| linger | 5 |", "ladder-as-documented"),
        ("| client | 75 s |", "| client | 60 s |", "times-as-documented"),
        ("| client | 75 s |", "| somebody | 75 s |", "times-as-documented"),
        ("connect | 60 s", "connect | 55 s", "times-as-documented"),
        ("PgBouncer | 8 s", "PgBouncer | 10 s", "times-as-documented"),
        ("worker 10 x 4 = 120", "worker 12 x 4 = 128", "budget-as-documented"),
        (": 240 <= 400", ": 200 <= 400", "budget-as-documented"),
        ("max_db_connections 60", "max_db_connections 50", "budget-as-documented"),
        ("2 poolers x default_pool_size 50 = 100 <= 190\n", "", "budget-as-documented"),
    ] {
        assert!(text.contains(said), "{said}");
        let scaling = Scaling::read(&text.replace(said, instead)).unwrap();
        let found = red_by(right.clone(), Known { scaling, ..known() });
        assert_eq!(found.keys().copied().collect::<Vec<_>>(), [policy], "{said} -> {instead}: {found:#?}");
    }
}

#[test]
fn a_network_policy_that_is_forgotten_is_missed() {
    // What denies is asked by another policy; `dev` says nothing of Prometheus, and the stores of EKS are none of its pods.
    for (overlay, not_needed) in [
        ("dev", ["default-deny", "prometheus-to-metrics"].as_slice()),
        ("production-portable", &["default-deny"]),
        ("production-eks", &["default-deny", "roles-to-stores"]),
    ] {
        let objects = rendered(overlay);
        let without = |name: &str| {
            let mut objects = objects.clone();
            objects.retain(|object| object.kind() != "NetworkPolicy" || object.name() != name);
            red(objects).contains_key("needed-flows-admitted")
        };
        assert!(!without("none"), "{overlay}: nothing is forgotten");
        let policies = objects.iter().filter(|object| object.kind() == "NetworkPolicy").map(Object::name);
        for name in policies.filter(|name| !not_needed.contains(name)) {
            assert!(without(name), "{overlay} without {name}");
        }
    }
}

#[test]
fn a_rule_for_prometheus_that_is_forgotten_is_missed() {
    let objects = rendered("production-portable");
    for name in ["database", "pooler", "prometheus-to-metrics"] {
        let mut objects = objects.clone();
        let policy = objects
            .iter_mut()
            .find(|object| object.kind() == "NetworkPolicy" && object.name() == name)
            .unwrap_or_else(|| panic!("{name} is there"));
        let rules = policy.0["spec"]["ingress"].as_array_mut().unwrap();
        let before = rules.len();
        rules.retain(|rule| {
            let from = &rule["from"][0]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"];
            from != "monitoring"
        });
        assert_eq!(rules.len(), before - 1, "{name}: one rule is for Prometheus");
        assert!(red(objects).contains_key("needed-flows-admitted"), "{name} without its rule for Prometheus");
    }
}

#[test]
fn names_of_policies_are_different_and_each_has_a_reason() {
    let names: BTreeSet<_> = all().map(|policy| policy.name).collect();
    assert_eq!(names.len(), all().count());
    assert!(all().all(|policy| policy.why.len() > 20));
}
