//! Label selectors.

use std::collections::BTreeMap;

use serde_json::Value;

use super::objects::{list, text};

/// Whether a selector (`matchLabels`, `matchExpressions`) meets these labels. An empty one meets everything.
pub(super) fn meets(selector: &Value, labels: &BTreeMap<String, String>) -> bool {
    let pairs = selector["matchLabels"].as_object().into_iter().flatten();
    pairs.into_iter().all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str())
        && list(&selector["matchExpressions"]).all(|expression| holds(expression, labels))
}

/// Whether a selector says nothing, and so meets everything.
pub(super) fn is_empty(selector: &Value) -> bool {
    let said = selector["matchLabels"].as_object().is_some_and(|pairs| !pairs.is_empty());
    !said && list(&selector["matchExpressions"]).next().is_none()
}

fn holds(expression: &Value, labels: &BTreeMap<String, String>) -> bool {
    let found = labels.get(text(&expression["key"]));
    let among =
        || found.is_some_and(|found| list(&expression["values"]).any(|value| value == found.as_str()));
    match text(&expression["operator"]) {
        "In" => among(),
        "NotIn" => !among(),
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_expressions_must_all_hold() {
        let labels = BTreeMap::from([("app".to_owned(), "a".to_owned())]);
        let expression = |operator: &str, values: &[&str]| json!({"matchExpressions": [{"key": "app", "operator": operator, "values": values}]});
        for (selector, met) in [
            (json!({}), true),
            (json!({"matchLabels": {"app": "a"}}), true),
            (json!({"matchLabels": {"app": "a", "tier": "x"}}), false),
            (expression("In", &["a", "b"]), true),
            (expression("In", &["b"]), false),
            (expression("NotIn", &["b"]), true),
            (expression("Exists", &[]), true),
            (expression("DoesNotExist", &[]), false),
            (expression("Near", &["a"]), false),
        ] {
            assert_eq!(meets(&selector, &labels), met, "{selector}");
        }
        assert!(is_empty(&json!({})) && is_empty(&json!({"matchLabels": {}})) && is_empty(&Value::Null));
        assert!(!is_empty(&expression("Exists", &[])));
    }
}
