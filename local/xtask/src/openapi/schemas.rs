//! Schemas in words, and as tables.

use serde_json::{Map, Value};

use super::html::{code, escaped, table};
use super::markdown;

/// The type of a schema, in a few words: links to named ones.
pub(super) fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(kinds) = schema[several].as_array().filter(|_| schema.get("properties").is_none()) {
            let mut kinds: Vec<String> = kinds.iter().map(kind).collect();
            // What may be absent is said last.
            kinds.sort_by_key(|kind| kind == "null");
            return kinds.join(" or ");
        }
    }
    match &schema["type"] {
        Value::String(one) => single(one, schema),
        Value::Array(several) => {
            let kinds = several.iter().filter_map(Value::as_str).map(|one| single(one, schema));
            kinds.collect::<Vec<_>>().join(" or ")
        }
        _ => "anything".to_owned(),
    }
}

fn single(kind_name: &str, schema: &Value) -> String {
    match kind_name {
        "array" => format!("list of {}", kind(&schema["items"])),
        "object" => match &schema["additionalProperties"] {
            Value::Object(_) => format!("map to {}", kind(&schema["additionalProperties"])),
            _ => "object".to_owned(),
        },
        "string" => schema["format"].as_str().map_or_else(|| "text".to_owned(), escaped),
        "integer" => "whole number".to_owned(),
        other => escaped(other),
    }
}

/// What a schema demands beside its type.
pub(super) fn limits(schema: &Value) -> String {
    let mut told = Vec::new();
    if let Some(words) = schema["enum"].as_array() {
        let words = words.iter().filter_map(Value::as_str).map(code);
        told.push(words.collect::<Vec<_>>().join(" "));
    }
    let bound = |least: &str, most: &str, what: &str| {
        let number = |name: &str| schema[name].as_u64();
        match (number(least).filter(|least| *least > 0 || what.is_empty()), number(most)) {
            (Some(least), Some(most)) => Some(format!("{least} to {most}{what}")),
            (Some(least), None) => Some(format!("at least {least}{what}")),
            (None, Some(most)) => Some(format!("at most {most}{what}")),
            (None, None) => None,
        }
    };
    told.extend(bound("minimum", "maximum", ""));
    told.extend(bound("minLength", "maxLength", " bytes").filter(|_| schema["format"] != "uuid"));
    told.extend(bound("minItems", "maxItems", " items"));
    told.extend(bound("minProperties", "maxProperties", " entries"));
    if let Some(default) = schema.get("default") {
        told.push(format!("default {}", code(&default.to_string())));
    }
    told.join("; ")
}

/// A named schema with its own anchor.
pub(super) fn section(name: &str, schema: &Value) -> String {
    let about = schema["description"].as_str().map(markdown::html).unwrap_or_default();
    let body = match schema["properties"].as_object() {
        Some(properties) => fields(properties, schema),
        None => format!("<p>{}</p>\n", [kind(schema), limits(schema)].join(" ").trim()),
    };
    format!(
        "<details class=\"schema\" id=\"schema-{name}\"><summary><code>{name}</code></summary>\n<div class=\"body\">\n\
         {about}{body}</div></details>\n"
    )
}

/// What a field means: where it may be `null`, its other half says it.
fn about(field: &Value) -> Option<&str> {
    let halves = field["oneOf"].as_array().into_iter().flatten();
    let said = halves.filter_map(|half| half["description"].as_str());
    field["description"].as_str().or_else(|| said.into_iter().next())
}

fn fields(properties: &Map<String, Value>, schema: &Value) -> String {
    let required = |name: &str| {
        schema["required"].as_array().is_some_and(|required| required.iter().any(|known| known == name))
    };
    let rows: Vec<Vec<String>> = properties
        .iter()
        .map(|(name, field)| {
            let mark = if required(name) { "" } else { " <small>optional</small>" };
            let about = about(field).map(markdown::line).unwrap_or_default();
            let limits = limits(field);
            let gap = if about.is_empty() || limits.is_empty() { "" } else { "<br>" };
            vec![format!("{}{mark}", code(name)), kind(field), format!("{about}{gap}{limits}")]
        })
        .collect();
    if rows.is_empty() {
        return "<p>It has no fields.</p>\n".to_owned();
    }
    let rest = match &schema["additionalProperties"] {
        Value::Object(_) => format!("<p>Any other name: {}.</p>\n", kind(&schema["additionalProperties"])),
        _ => String::new(),
    };
    format!("{}{rest}", table(&["field", "type", "meaning"], &rows))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_said_in_words() {
        for (schema, words) in [
            (json!({ "type": "string" }), "text"),
            (json!({ "type": ["string", "null"], "format": "date-time" }), "date-time or null"),
            (json!({ "type": "array", "items": { "type": "integer" } }), "list of whole number"),
            (
                json!({ "type": "object", "additionalProperties": { "type": "integer" } }),
                "map to whole number",
            ),
            (json!({ "type": "object", "additionalProperties": false }), "object"),
            (
                json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/Failure" }] }),
                "<a href=\"#schema-Failure\">Failure</a> or null",
            ),
            (json!({}), "anything"),
        ] {
            assert_eq!(kind(&schema), words, "{schema}");
        }
    }

    #[test]
    fn limits_are_said_in_words() {
        let schema = json!({ "type": "integer", "minimum": 0, "maximum": 20, "default": 0 });
        assert_eq!(limits(&schema), "0 to 20; default <code>0</code>");
        assert_eq!(limits(&json!({ "maxItems": 5, "enum": ["a", null] })), "<code>a</code>; at most 5 items");
        assert_eq!(limits(&json!({})), "");
    }
}
