//! The component schemas.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

use super::operation::{Body, Content, Operation};
use super::{problems, requests};
use crate::rules;

/// Every schema that the operations refer to, by name.
pub(super) fn schemas<'a>(operations: impl Iterator<Item = &'a Operation>) -> Map<String, Value> {
    let (mut answers, mut all) = (Vec::new(), BTreeMap::new());
    for operation in operations {
        if let Some(Body::Document(document)) = &operation.body {
            all.insert(document.name.to_owned(), (document.schema)());
        }
        for content in operation.answers.iter().filter_map(|answer| answer.content.as_ref()) {
            let Content::Json(wire) = content else { continue };
            (wire.collect)(&mut answers);
            if wire.paged {
                all.insert(wire.component(), page(&wire.name));
            }
        }
    }
    all.extend(answers.into_iter().map(|(name, schema)| (name, answer(&schema))));
    let by_hand = problems::schemas().into_iter().chain(rules::schema::components()).chain(requests::parts());
    all.extend(by_hand.map(|(name, schema)| (name.to_owned(), schema)));
    all.into_iter().collect()
}

fn page(items: &str) -> Value {
    json!({
        "description": "A page of a list.",
        "type": "object",
        "required": ["items", "next_cursor"],
        "properties": {
            "items": { "type": "array", "items": { "$ref": format!("#/components/schemas/{items}") } },
            "next_cursor": {
                "description": "What to send as `cursor` for the next page; `null` on the last one.",
                "type": ["string", "null"],
            },
        },
    })
}

/// A wire type's schema: in answers nothing is absent, and what Rust calls `None` is `null`.
fn answer(schema: &RefOr<Schema>) -> Value {
    let mut schema = json!(schema);
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let all: Vec<&String> = properties.keys().collect();
        schema["required"] = json!(all);
    }
    say_null(&mut schema);
    schema
}

fn say_null(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "description" => {
                        *text = text.replace("`None`", "`null`").replace('\n', " ");
                    }
                    other => say_null(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(say_null),
        _ => {}
    }
}
