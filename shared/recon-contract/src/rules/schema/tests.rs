use jsonschema::Validator;
use serde_json::json;

use super::*;
use crate::rules::{from_json, toml_to_json};

fn validator() -> Validator {
    jsonschema::options().should_validate_formats(true).build(&schema()).unwrap()
}

/// Schema and parser agree that a document is right, or that it is wrong.
#[track_caller]
fn check(document: &Value, is_right: bool) {
    let validator = validator();
    let faults: Vec<String> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(faults.is_empty(), is_right, "schema: {document}\n{faults:#?}");
    let read = from_json(document);
    assert_eq!(read.is_ok(), is_right, "parser: {document}\n{read:?}");
}

fn column(fields: &Value) -> Value {
    json!({ "columns": { "c": fields }, "passes": [{ "name": "p", "equal": ["c"] }] })
}

/// A document with columns of every type and one pass.
fn pass(pass: &Value) -> Value {
    let of = |kind: &str| json!({ "left": "L", "right": "r", "type": kind });
    json!({
        "calendars": { "bank": {} },
        "columns": {
            "amount": of("decimal"), "date": of("date"), "at": of("timestamp"), "count": of("integer"),
            "name": of("text"),
        },
        "passes": [pass],
    })
}

fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (above, key) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(above).unwrap()[key] = value;
    document
}

#[test]
fn the_schema_is_one_of_its_draft() {
    assert!(jsonschema::meta::is_valid(&schema()));
    assert_eq!(schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn the_documents_of_the_demo_and_of_the_generator_are_right() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for file in [
        "local/demo/rules.toml",
        "local/xtask/src/generate/keyed.toml",
        "local/xtask/src/generate/keyless.toml",
    ] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        check(&toml_to_json(&text).unwrap(), true);
    }
    let text = std::fs::read_to_string(root.join("local/demo/rules.json")).unwrap();
    check(&serde_json::from_str(&text).unwrap(), true);
    check(&toml_to_json(crate::rules::tests::EXAMPLE).unwrap(), true);
}

#[test]
fn what_the_parser_takes_is_right() {
    let text = json!({ "left": "a", "right": "b", "type": "text" });
    check(&column(&text), true);
    check(&with(column(&text), "/default_currency", Value::Null), true);
    check(&with(column(&text), "/left", Value::Null), true);
    let options = crate::options::to_json(&recon_domain::ReadOptions::default());
    check(&with(column(&text), "/right", with(options, "/delimiter", json!(";"))), true);
    check(&with(column(&text), "/columns/currency", json!({ "right": "ccy", "type": "text" })), true);
    check(
        &column(
            &json!({ "left_debit": "d", "left_credit": "e", "right": "b", "type": "decimal", "negate": "both" }),
        ),
        true,
    );
    check(&column(&json!({ "left": "a", "right": "b", "type": "date", "right_format": "%d.%m.%Y" })), true);
    check(
        &pass(&json!({ "name": "p", "within": [{ "column": "amount", "absolute": "1", "percent": "100" }] })),
        true,
    );
    check(
        &pass(&json!({ "name": "p", "within": [{ "column": "amount", "above": "0.5%", "below": "2" }] })),
        true,
    );
    check(
        &pass(
            &json!({ "name": "p", "within": [{ "column": "at", "days_after": 3650, "calendar": "bank" }] }),
        ),
        true,
    );
    check(
        &pass(&json!({
            "name": "p", "equal": ["count"], "cardinality": "one_to_one", "ambiguous": "forbid",
            "outcome": "suggest", "similar": [{ "column": "name", "at_least": 0, "measure": "jaro_winkler" }],
            "where": [{ "column": "amount", "side": "left", "at_least": "-1.50" }, { "column": "name", "is": "" }],
        })),
        true,
    );
}

#[test]
fn faults_of_documents_columns_and_calendars_are_seen_by_both() {
    let text = json!({ "left": "a", "right": "b", "type": "text" });
    let fine = || column(&text);
    check(&json!({}), false);
    check(&json!(7), false);
    check(&json!({ "columns": {}, "passes": [] }), false);
    check(&with(fine(), "/pases", json!([])), false);
    check(&with(fine(), "/default_currency", json!("EURO")), false);
    check(&with(fine(), "/left", json!({ "delimeter": ";" })), false);
    check(&with(fine(), "/left", json!({ "delimiter": ";;" })), false);
    check(&with(fine(), "/left", json!({ "header_row": 1001 })), false);
    check(&with(fine(), "/left", json!({ "sheet": "May" })), false);
    check(&with(fine(), "/right", json!({ "date_order": "dym" })), false);
    for name in ["", " x", "a\u{7}", "row", &"x".repeat(65)] {
        check(&with(fine(), &format!("/columns/{name}"), text.clone()), false);
    }
    check(&with(fine(), "/columns/amount", text.clone()), false);
    check(&with(fine(), "/columns/currency", json!({ "type": "text" })), false);
    for (field, value) in [
        ("type", json!("txt")),
        ("left", json!("")),
        ("left", Value::Null),
        ("rigth", json!("c")),
        ("negate", json!("left")),
        ("left_format", json!("%d.%m.%Y")),
        ("left_debit", json!("d")),
        ("extract", json!("")),
        ("extract", json!("x".repeat(1025))),
        ("normalize", json!(["uper"])),
        ("normalize", json!(vec!["trim"; 17])),
        ("values", json!({ "a": 1 })),
    ] {
        check(&with(fine(), &format!("/columns/c/{field}"), value), false);
    }
    let number = || column(&json!({ "left": "a", "right": "b", "type": "decimal" }));
    check(&with(number(), "/columns/c/left_debit", json!("d")), false);
    check(&with(number(), "/columns/c/negate", json!(true)), false);
    check(&with(number(), "/columns/c/extract", json!("x")), false);
    check(&column(&json!({ "left_debit": "d", "right": "b", "type": "decimal" })), false);
    for calendar in [
        json!(7),
        json!({ "hollidays": [] }),
        json!({ "weekend": ["saturday"] }),
        json!({ "weekend": ["sun", "sun"] }),
        json!({ "weekend": WEEKDAYS }),
        json!({ "holidays": ["25.12.2026"] }),
        json!({ "holidays": ["2026-02-30"] }),
        json!({ "holidays": vec!["2026-12-25"; 10_001] }),
    ] {
        check(&with(fine(), "/calendars", json!({ "bank": calendar })), false);
    }
}

#[test]
fn faults_of_passes_are_seen_by_both() {
    for faulty in [
        json!(7),
        json!({ "equal": ["name"] }),
        json!({ "name": " ", "equal": ["name"] }),
        json!({ "name": "p" }),
        json!({ "name": "p", "equal": [] }),
        json!({ "name": "p", "equal": "name" }),
        json!({ "name": "p", "equal": ["name", "name"] }),
        json!({ "name": "p", "similar": [{ "column": "name", "at_least": 9000 }] }),
        json!({ "name": "p", "equal": ["name"], "ambiguous": "forbidden" }),
        json!({ "name": "p", "equal": ["name"], "outcome": "confirmed" }),
        json!({ "name": "p", "equal": ["name"], "cardinality": "one_to_two" }),
        json!({ "name": "p", "equal": ["name"], "where": vec![json!({ "column": "name", "is": "x" }); 17] }),
    ] {
        check(&pass(&faulty), false);
    }
    for tolerance in [
        json!({ "absolute": "1" }),
        json!({ "column": "amount" }),
        json!({ "column": "amount", "absolut": "1" }),
        json!({ "column": "amount", "absolute": "-1" }),
        json!({ "column": "amount", "absolute": "0,02" }),
        json!({ "column": "amount", "absolute": 0.02 }),
        json!({ "column": "amount", "percent": "100.01" }),
        json!({ "column": "amount", "percent": "0.1234567" }),
        json!({ "column": "amount", "percent": "5%" }),
        json!({ "column": "amount", "above": "101%" }),
        json!({ "column": "amount", "below": "%" }),
        json!({ "column": "amount", "below": "1", "absolute": "1" }),
        json!({ "column": "date", "days_before": -1 }),
        json!({ "column": "date", "days_before": 3651 }),
        json!({ "column": "date", "days_after": 1.5 }),
        json!({ "column": "date", "absolute": "1", "days_after": 1 }),
    ] {
        check(&pass(&json!({ "name": "p", "within": [tolerance] })), false);
    }
    for likeness in [
        json!({ "at_least": 1 }),
        json!({ "column": "name" }),
        json!({ "column": "name", "at_least": 10_001 }),
        json!({ "column": "name", "at_least": 1, "measure": "jaro" }),
    ] {
        check(&pass(&json!({ "name": "p", "equal": ["amount"], "similar": [likeness] })), false);
    }
    for filter in [
        json!("name"),
        json!({ "column": "name" }),
        json!({ "column": "name", "is": 7 }),
        json!({ "column": "name", "is": "x", "side": "lefty" }),
        json!({ "column": "amount", "at_least": "1", "at_most": "2" }),
        json!({ "column": "amount", "at_least": "x" }),
        json!({ "column": "name", "matches": "" }),
    ] {
        check(&pass(&json!({ "name": "p", "equal": ["name"], "where": [filter] })), false);
    }
}

#[test]
fn rules_in_requests_leave_the_reading_of_files_to_the_datasets() {
    let options = |name: &str| components().into_iter().find(|(known, _)| *known == name).unwrap().1;
    let (of_requests, of_files) = (options("RuleOptions"), schema()["$defs"]["RuleOptions"].take());
    for name in crate::options::FIELDS {
        assert!(of_files["properties"].get(name).is_some(), "{name}");
        let is_left = !crate::options::READING.contains(&name);
        assert_eq!(of_requests["properties"].get(name).is_some(), is_left, "{name}");
    }
}
