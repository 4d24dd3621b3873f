use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::operation::{Body, Content, Operation};
use super::operations::{self, Described};
use super::*;
use crate::problem::{Code, Problem};
use crate::route;

fn described() -> Vec<Described> {
    operations::paired().unwrap_or_else(|error| panic!("{error}"))
}

/// A schema of the document that refers to its components.
fn validator(document: &Value, name: &str) -> Validator {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("#/components/schemas/{name}"),
        "components": document["components"],
    });
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

#[track_caller]
fn assert_valid(document: &Value, name: &str, value: &Value) {
    let faults: Vec<String> =
        validator(document, name).iter_errors(value).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{name}: {faults:#?}\n{value:#}");
}

/// Every `$ref` in a value.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_route_has_an_operation_and_every_operation_a_route() {
    let described = described();
    assert_eq!(described.len(), route::ALL.len());
    let document = document().unwrap();
    for route in route::ALL {
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = &document["paths"][route.path][&method];
        assert_eq!(operation["x-function"], route.function, "{route:?}");
        let keyed =
            operation["parameters"].as_array().unwrap().contains(&parameters::reference("IdempotencyKey"));
        // One route is about keys, and has none of its own.
        assert_eq!(keyed, route.keyed || *route == route::IDEMPOTENCY_GET, "{route:?}");
        let waits = operation["parameters"].as_array().unwrap().contains(&parameters::reference("Prefer"));
        assert_eq!(waits, route.keyed, "{route:?}");
        assert_eq!(operation.get("requestBody").is_some(), route.body_bytes_max > 0, "{route:?}");
    }
}

#[test]
fn the_committed_document_is_the_one_that_this_code_makes() {
    let made = text().unwrap();
    let differs = made.lines().zip(crate::OPENAPI_JSON.lines()).position(|(made, kept)| made != kept);
    assert!(
        made == crate::OPENAPI_JSON,
        "shared/recon-contract/openapi.json is out of date from line {}: run `cargo xtask openapi` and commit what it wrote",
        differs
            .map_or_else(|| made.lines().count().min(crate::OPENAPI_JSON.lines().count()), |line| line + 1)
    );
}

#[test]
fn the_document_has_the_rules_that_clients_of_this_workspace_follow() {
    let description = document().unwrap()["info"]["description"].as_str().unwrap().to_owned();
    assert!(description.contains(recon_idempotency::client::RULES));
    assert!(!description.contains("<!--"), "a place is not filled");
    for code in [recon_idempotency::client::IN_PROGRESS, recon_idempotency::client::REUSED] {
        assert!(Code::ALL.iter().any(|known| known.as_str() == code), "{code}");
    }
}

#[test]
fn every_documented_code_has_the_status_it_stands_under() {
    let document = document().unwrap();
    for Described { operation, .. } in described() {
        for (status, codes) in problems::by_status(&operation) {
            for code in &codes {
                assert_eq!(code.status(), status, "{}", operation.id);
            }
            let response = &document["components"]["responses"][problems::component(&codes)];
            let examples = response["content"][Problem::MEDIA_TYPE]["examples"].as_object().unwrap();
            for (code, example) in examples {
                assert_eq!(example["value"]["status"], status, "{code}");
                assert_valid(&document, "Problem", &example["value"]);
            }
        }
        let codes = operation.codes.iter().collect::<Vec<_>>();
        let unique: BTreeSet<&str> = codes.iter().map(|code| code.as_str()).collect();
        assert_eq!(unique.len(), codes.len(), "{}: a code is said twice", operation.id);
    }
}

#[test]
fn every_code_is_documented_somewhere() {
    let said: BTreeSet<&str> = described()
        .iter()
        .flat_map(|described| problems::by_status(&described.operation).into_values().flatten())
        .map(Code::as_str)
        .collect();
    // What no operation says: only a path without this method does.
    let everywhere: BTreeSet<&str> =
        Code::ALL.iter().filter(|code| **code != Code::MethodNotAllowed).map(|code| code.as_str()).collect();
    let missing: Vec<&str> = everywhere.difference(&said).copied().collect();
    assert_eq!(missing, [""; 0], "name them in `refuses` of the operations that answer with them");
}

#[test]
fn examples_of_requests_fit_their_schema_and_their_parser() {
    let document = document().unwrap();
    for Described { operation, .. } in described() {
        let Some(Body::Document(body)) = &operation.body else { continue };
        assert_valid(&document, body.name, &body.example);
        let read = (body.read)(&body.example);
        assert!(read.is_ok(), "{}: {read:?}", operation.id);
    }
}

#[test]
fn examples_of_answers_are_of_their_wire_type_and_fit_its_schema() {
    let document = document().unwrap();
    for Described { operation, .. } in described() {
        for answer in &operation.answers {
            let Some(Content::Json(wire)) = &answer.content else { continue };
            let round = (wire.round)(wire.example.clone())
                .unwrap_or_else(|error| panic!("{}: {error}", operation.id));
            assert_eq!(round, wire.example, "{}", operation.id);
            assert_valid(&document, &wire.component(), &wire.whole_example());
        }
    }
}

/// Requests that the parser refuses for a reason which a schema can say.
#[test]
fn what_the_parsers_refuse_does_not_fit_the_schemas() {
    let document = document().unwrap();
    let refused = |operation: &Operation, change: &dyn Fn(&mut Map<String, Value>)| {
        let Some(Body::Document(body)) = &operation.body else { return };
        let mut example = body.example.clone();
        change(example.as_object_mut().unwrap());
        if example == body.example {
            return;
        }
        assert!((body.read)(&example).is_err(), "{}: the parser takes {example}", operation.id);
        assert!(
            !validator(&document, body.name).is_valid(&example),
            "{}: the schema takes {example}",
            operation.id
        );
    };
    for Described { operation, .. } in described() {
        refused(&operation, &|fields| drop(fields.insert("surprise".to_owned(), json!(1))));
        for name in ["name", "email"] {
            let change = |value: Value| {
                move |fields: &mut Map<String, Value>| {
                    if let Some(field) = fields.get_mut(name) {
                        *field = value.clone();
                    }
                }
            };
            for value in
                [json!(null), json!(1), json!(""), json!(" "), json!("a\u{7}"), json!("x".repeat(300))]
            {
                refused(&operation, &change(value));
            }
        }
        for (name, values) in [
            ("password", vec![json!(""), json!("x".repeat(1025)), json!(null)]),
            ("left", vec![json!("x"), json!(7), json!(null)]),
            ("format", vec![json!("cvs"), json!(1)]),
            ("sha256", vec![json!("ab"), json!("z".repeat(64))]),
            ("options", vec![json!({ "header_row": 1001 }), json!({ "sheet": "May" }), json!([])]),
            ("rules", vec![json!({}), json!("x")]),
        ] {
            for value in values {
                refused(&operation, &|fields| {
                    if let Some(field) = fields.get_mut(name) {
                        *field = value.clone();
                    }
                });
            }
        }
    }
}

#[test]
fn limits_of_texts_are_those_of_the_parsers_to_the_byte() {
    let document = document().unwrap();
    let check = |name: &str, field: &str, longest: usize| {
        let described = described();
        let body = described.iter().find_map(|described| match &described.operation.body {
            Some(Body::Document(body)) if body.name == name => Some(body),
            _ => None,
        });
        let body = body.unwrap();
        for (length, is_right) in [(1, true), (longest, true), (longest + 1, false)] {
            let mut example = body.example.clone();
            example[field] = json!("x".repeat(length));
            assert_eq!((body.read)(&example).is_ok(), is_right, "parser: {name}.{field} of {length}");
            assert_eq!(
                validator(&document, name).is_valid(&example),
                is_right,
                "schema: {name}.{field} of {length}"
            );
        }
    };
    check("NewSession", "email", crate::EMAIL_BYTES_MAX);
    check("NewSession", "password", crate::PASSWORD_BYTES_MAX);
    check("NewDataset", "name", crate::NAME_BYTES_MAX);
    check("NewReconciliation", "name", crate::NAME_BYTES_MAX);
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_referred_to() {
    let document = document().unwrap();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for (kind, components) in document["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
            let reference = format!("#/components/{kind}/{name}");
            assert!(found.contains(&reference), "nothing refers to {reference}");
        }
    }
}

#[test]
fn every_schema_is_one_of_the_draft_that_openapi_takes() {
    let document = document().unwrap();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
    }
}

/// Words that come from doc comments, written for readers of Rust.
#[test]
fn descriptions_speak_of_the_wire_and_not_of_rust() {
    let text = text().unwrap();
    for word in ["[`", "`None`", "Option<", "::"] {
        let line = text.lines().find(|line| line.contains(word));
        assert_eq!(
            line, None,
            "`{word}` in a description: put the doc comment of the wire type in other words"
        );
    }
}

#[test]
fn the_document_is_the_same_every_time() {
    assert_eq!(text().unwrap(), text().unwrap());
}
