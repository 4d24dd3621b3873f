//! Columns: roles, and where their cells come from.

use recon_domain::{AMOUNT, CURRENCY, DATE, Normalize, RuleSet};
use serde_json::{Map, Value, json};

use super::{NAME_BYTES_MAX, Parts, TRIMMED, VISIBLE, nullable};
use crate::rules::columns::RESULT_COLUMNS;
use crate::rules::{NORMALIZE_MAX, TEXT_BYTES_MAX, VALUES_MAX};

/// Every kind of column, by name.
pub(super) fn definitions() -> Vec<(&'static str, Value)> {
    vec![
        ("RuleNumberColumn", number()),
        ("RuleDateColumn", date()),
        ("RuleTextColumn", text(&json!(["left", "right", "type"]))),
        ("RuleCurrencyColumn", currency()),
    ]
}

/// The columns of a document: reserved roles have their type.
pub(super) fn columns(parts: Parts) -> Value {
    let reserved = Map::from_iter([
        (AMOUNT.to_owned(), parts.reference("RuleNumberColumn")),
        (DATE.to_owned(), parts.reference("RuleDateColumn")),
        (CURRENCY.to_owned(), parts.reference("RuleCurrencyColumn")),
    ]);
    let any = ["RuleNumberColumn", "RuleDateColumn", "RuleTextColumn"].map(|name| parts.reference(name));
    json!({
        "description": "Roles by name, each with its column in either file. `amount`, `currency` and `date` are \
            reserved and have their types.",
        "type": "object",
        "minProperties": 1,
        "maxProperties": RuleSet::ROLES_MAX,
        "propertyNames": {
            "minLength": 1,
            "maxLength": NAME_BYTES_MAX,
            "pattern": TRIMMED,
            "not": { "enum": RESULT_COLUMNS },
        },
        "properties": reserved,
        "additionalProperties": { "anyOf": any },
    })
}

fn source(about: &str) -> Value {
    json!({
        "description": about,
        "type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX, "pattern": VISIBLE,
    })
}

/// Numbers, which may also come from a column of debits and one of credits.
fn number() -> Value {
    let either = |side: &str| {
        let halves = [format!("{side}_debit"), format!("{side}_credit")];
        json!({ "oneOf": [{ "required": [side] }, { "required": halves }] })
    };
    let credit_minus_debit =
        "With its counterpart: the amount is credit minus debit, of two different columns.";
    json!({
        "description": "Numbers: for each side a column, or one of debits and one of credits.",
        "type": "object",
        "additionalProperties": false,
        "required": ["type"],
        "allOf": [either("left"), either("right")],
        "dependentRequired": {
            "left_debit": ["left_credit"], "left_credit": ["left_debit"],
            "right_debit": ["right_credit"], "right_credit": ["right_debit"],
        },
        "properties": {
            "type": { "type": "string", "enum": ["decimal", "integer"] },
            "left": source("The left file's column."),
            "left_debit": source(credit_minus_debit),
            "left_credit": source(credit_minus_debit),
            "right": source("The right file's column."),
            "right_debit": source(credit_minus_debit),
            "right_credit": source(credit_minus_debit),
            "negate": nullable(json!({
                "description": "Whose numbers change their sign.",
                "type": "string", "enum": ["left", "right", "both"],
            })),
        },
    })
}

fn date() -> Value {
    let format = || {
        nullable(json!({
            "description": "How it is written (strptime), such as `%d.%m.%Y`; detected where it is left out.",
            "type": "string", "maxLength": TEXT_BYTES_MAX, "pattern": "%",
        }))
    };
    json!({
        "description": "Dates, or points in time.",
        "type": "object",
        "additionalProperties": false,
        "required": ["left", "right", "type"],
        "properties": {
            "type": { "type": "string", "enum": ["date", "timestamp"] },
            "left": source("The left file's column."),
            "right": source("The right file's column."),
            "left_format": format(),
            "right_format": format(),
        },
    })
}

fn text(required: &Value) -> Value {
    let text = json!({ "type": "string", "maxLength": TEXT_BYTES_MAX });
    json!({
        "description": "Texts, which `extract`, then `values`, then `normalize` change.",
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": {
            "type": { "type": "string", "enum": ["text"] },
            "left": source("The left file's column."),
            "right": source("The right file's column."),
            "extract": nullable(json!({
                "description": "A regular expression; its group, else the whole match, is kept. One group at most.",
                "type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX,
            })),
            "values": nullable(json!({
                "description": "Whole values to replace, and by what.",
                "type": "object", "maxProperties": VALUES_MAX, "additionalProperties": text,
            })),
            "normalize": nullable(json!({
                "description": "Steps, taken in this order.",
                "type": "array",
                "maxItems": NORMALIZE_MAX,
                "items": { "type": "string", "enum": Normalize::SPELLINGS },
            })),
        },
    })
}

/// The currency may be in one file only.
fn currency() -> Value {
    let mut currency = text(&json!(["type"]));
    currency["description"] = json!("Currencies: texts, of one file or of both.");
    currency["anyOf"] = json!([{ "required": ["left"] }, { "required": ["right"] }]);
    currency
}
