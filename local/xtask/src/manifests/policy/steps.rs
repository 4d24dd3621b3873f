//! How fast autoscalers go, and how one takes over from another.

use serde_json::{Value, json};

use super::autoscaling::{refused, scalers};
use super::targets::target;
use super::{Fault, Policy, fault};
use crate::manifests::objects::{Manifests, Object, list};

pub(super) const POLICIES: &[Policy] = &[
    Policy {
        name: "steps-as-documented",
        why: "what stands where nothing is said takes all pods away at once that the last minutes did not need",
        find: steps,
    },
    Policy {
        name: "takes-the-autoscaler-over",
        why: "a ScaledObject beside an autoscaler is refused; with that one deleted first, a peak meets the minimum",
        find: takes_over,
    },
];

/// The workload that an overlay scales with or without KEDA, and its autoscaler's name in both.
const TAKEN_OVER: (&str, &str) = ("backend", "backend-hpa");
const OWNERSHIP: &str = "scaledobject.keda.sh/transfer-hpa-ownership";

/// Both ways, as SCALING.md has them under its table of limits.
fn documented() -> [(&'static str, Value); 2] {
    let down = json!({
        "stabilizationWindowSeconds": 300,
        "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
        "selectPolicy": "Max",
    });
    let up = json!({
        "stabilizationWindowSeconds": 0,
        "policies": [
            {"type": "Percent", "value": 100, "periodSeconds": 15},
            {"type": "Pods", "value": 4, "periodSeconds": 15},
        ],
        "selectPolicy": "Max",
    });
    [("scaleDown", down), ("scaleUp", up)]
}

fn steps(manifests: &Manifests) -> Vec<Fault> {
    let mut faults = Vec::new();
    for scaler in scalers(manifests) {
        let behavior = match scaler.kind() {
            "ScaledObject" => &scaler.spec()["advanced"]["horizontalPodAutoscalerConfig"]["behavior"],
            _ => &scaler.spec()["behavior"],
        };
        for (way, wanted) in documented() {
            // What no autoscaler takes is another policy's fault.
            if !is_same(&behavior[way], &wanted) && refused(&behavior[way]).is_empty() {
                let words = format!("its {way} is {}, SCALING.md says {wanted}", behavior[way]);
                faults.push(fault(scaler, words));
            }
        }
    }
    faults
}

/// Whether rules of one way are these, in whatever order. Where nothing is said of several policies, the most holds.
fn is_same(rules: &Value, wanted: &Value) -> bool {
    let policies = &rules["policies"];
    let count = |rules: &Value| list(&rules["policies"]).len();
    let select =
        if rules["selectPolicy"].is_null() { &wanted["selectPolicy"] } else { &rules["selectPolicy"] };
    rules["stabilizationWindowSeconds"] == wanted["stabilizationWindowSeconds"]
        && *select == wanted["selectPolicy"]
        && count(rules) == count(wanted)
        && list(&wanted["policies"]).all(|policy| list(policies).any(|found| found == policy))
}

fn takes_over(manifests: &Manifests) -> Vec<Fault> {
    let (workload, name) = TAKEN_OVER;
    let is_of = |object: &&Object| target(object).is_some_and(|(_, target)| target == workload);
    let mut faults = Vec::new();
    for object in manifests.of("ScaledObject").filter(is_of) {
        if object.annotation(OWNERSHIP) != Some("true") {
            faults.push(fault(object, format!("it has no annotation `{OWNERSHIP}: \"true\"`")));
        }
        if object.spec()["advanced"]["horizontalPodAutoscalerConfig"]["name"] != name {
            faults.push(fault(object, format!("its autoscaler is not called `{name}`, as the other one is")));
        }
    }
    // The name by which it is found.
    let others = manifests.of("HorizontalPodAutoscaler").filter(is_of);
    let misnamed = others.filter(|scaler| scaler.name() != name);
    faults.extend(misnamed.map(|scaler| fault(scaler, format!("its name is not `{name}`"))));
    faults
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn steps_are_the_same_in_any_order_and_without_what_holds_anyway() {
        let [_, (_, up)] = documented();
        let with = |place: &str, value: Value| {
            let mut rules = up.clone();
            *rules.pointer_mut(place).unwrap() = value;
            rules
        };
        let (percent, pods) = (up["policies"][0].clone(), up["policies"][1].clone());
        for (rules, same) in [
            (up.clone(), true),
            (with("/selectPolicy", Value::Null), true),
            (with("/policies", json!([pods, percent])), true),
            (with("/policies", json!([percent])), false),
            (
                with("/policies", json!([percent, pods, {"type": "Pods", "value": 9, "periodSeconds": 15}])),
                false,
            ),
            (with("/policies/1/value", json!(2)), false),
            (with("/stabilizationWindowSeconds", json!(60)), false),
            (with("/stabilizationWindowSeconds", Value::Null), false),
            (with("/selectPolicy", json!("Disabled")), false),
            (Value::Null, false),
        ] {
            assert_eq!(is_same(&rules, &up), same, "{rules}");
        }
    }

    #[test]
    fn the_steps_are_the_words_of_scaling() {
        let text = fs::read_to_string(crate::workspace::root().join("SCALING.md")).unwrap();
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for words in [
            "**Up** at once: the larger of doubling and four pods, every 15 seconds.",
            "**Down** after five minutes of less need, by at most half of the pods each minute.",
        ] {
            assert!(text.contains(words), "{words}");
        }
    }
}
