//! Each policy breaks on a manifest that is wrong in its way, and on no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value};

use super::all;
use crate::manifests::known::Known;
use crate::manifests::limits;
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
        settings: labels(&["DATABASE_URL", "DATABASE_POOL_MAX", "OBJECT_URL", "LOG", "WORKER_CONCURRENCY"]),
        metrics: BTreeMap::from([
            ("recon_jobs".to_owned(), labels(&["state"])),
            ("http_requests_total".to_owned(), labels(&["route", "method", "status"])),
        ]),
        secrets: labels(&["tls"]),
        grace_seconds: 30,
        keep_alive_seconds: 75,
        limits: limits::read(
            "| workload | min | max | target |\n| --- | --- | --- | --- |\n\
             | backend | 2 | 20 | 70% |\n| worker | 1 | 10 | 2 a pod |\n| database | 3 | 3 | |\n",
        )
        .unwrap(),
    }
}

fn objects(path: &str) -> Vec<Object> {
    read(&fs::read_to_string(folder().join(path)).unwrap())
        .unwrap_or_else(|error| panic!("{path}: {error:#}"))
}

/// The names of the policies that find a fault, each with the first one.
fn red(objects: Vec<Object>) -> BTreeMap<&'static str, String> {
    let manifests = Manifests { objects, known: known() };
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

#[test]
fn a_network_policy_that_is_forgotten_is_missed() {
    // What denies is asked by another policy; `dev` says nothing of Prometheus, and the stores of EKS are none of its pods.
    for (overlay, not_needed) in [
        ("dev", ["default-deny", "prometheus-to-metrics"].as_slice()),
        ("production-portable", &["default-deny"]),
        ("production-eks", &["default-deny", "roles-to-stores"]),
    ] {
        let path = crate::workspace::root().join(format!("infra/k8s/rendered/{overlay}.yaml"));
        let objects = read(&fs::read_to_string(path).unwrap()).unwrap();
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
fn names_of_policies_are_different_and_each_has_a_reason() {
    let names: BTreeSet<_> = all().map(|policy| policy.name).collect();
    assert_eq!(names.len(), all().count());
    assert!(all().all(|policy| policy.why.len() > 20));
}
