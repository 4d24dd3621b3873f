//! Passes and their conditions.

use recon_domain::{Ambiguous, Decimal, Measure, RuleSet, Side};
use serde_json::{Value, json};

use super::{Parts, VISIBLE, nullable};
use crate::rules::conditions::SCORE_MAX;
use crate::rules::{DAYS_MAX, NAME_BYTES_MAX, PERCENT_PLACES_MAX, TEXT_BYTES_MAX};

/// Digits of a decimal that is not below zero.
const DIGITS: &str = r"[0-9]+(\.[0-9]{1,18})?";
/// With that many characters it has no more than the digits of which a decimal consists.
const DECIMAL_LENGTH_MAX: usize = Decimal::DIGITS_MAX;

/// A pass and what it consists of, by name.
pub(super) fn definitions(parts: Parts) -> Vec<(&'static str, Value)> {
    vec![
        ("RulePass", pass(parts)),
        ("RuleFilter", filter()),
        ("RuleAmountTolerance", both_directions()),
        ("RuleOneWayTolerance", one_direction()),
        ("RuleDayTolerance", days()),
        ("RuleLikeness", likeness()),
    ]
}

fn pass(parts: Parts) -> Value {
    let list = |about: &str, items: Value| {
        nullable(json!({
            "description": about, "type": "array", "maxItems": RuleSet::CONDITIONS_MAX, "items": items,
        }))
    };
    let tolerances = ["RuleAmountTolerance", "RuleOneWayTolerance", "RuleDayTolerance"];
    let tolerances = tolerances.map(|name| parts.reference(name));
    let given = |list: &str| json!({ "required": [list], "properties": { list: { "type": "array", "minItems": 1 } } });
    let mut equal = list("Columns that must be equal; the currency always is.", column());
    equal["uniqueItems"] = json!(true);
    json!({
        "description": "What makes two rows the same. It needs an `equal` or a `within`, which narrow down what is \
            compared; a column occurs once in either of them.",
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "anyOf": [given("equal"), given("within")],
        "properties": {
            "name": {
                "description": "Unique among the passes.",
                "type": "string", "minLength": 1, "maxLength": NAME_BYTES_MAX, "pattern": VISIBLE,
            },
            "where": list("Which rows take part; all where it is left out.", parts.reference("RuleFilter")),
            "equal": equal,
            "within": list("Columns that may differ, and by how much.", json!({ "anyOf": tolerances })),
            "similar": list("Texts that must be alike.", parts.reference("RuleLikeness")),
            "ambiguous": nullable(json!({
                "description": "What becomes of a match whose rows would fit others as well: a person decides \
                    (default), it is none, or it counts.",
                "type": "string", "enum": Ambiguous::SPELLINGS,
            })),
            "outcome": nullable(json!({
                "description": "Whether its matches count (default), or a person decides about each.",
                "type": "string", "enum": ["confirm", "suggest"],
            })),
            "cardinality": nullable(json!({
                "description": "How many rows of either side make a match; others are not supported yet.",
                "type": "string", "enum": ["one_to_one"],
            })),
        },
    })
}

fn column() -> Value {
    json!({
        "description": "The name of a column of these rules.",
        "type": "string", "minLength": 1, "maxLength": NAME_BYTES_MAX,
    })
}

fn both_directions() -> Value {
    let percent = format!(
        r"^\+?(100(\.0{{1,{PERCENT_PLACES_MAX}}})?|[0-9]{{1,2}}(\.[0-9]{{1,{PERCENT_PLACES_MAX}}})?)$"
    );
    json!({
        "description": "How far numbers may be apart in either direction: the wider of the two.",
        "type": "object",
        "additionalProperties": false,
        "required": ["column"],
        "anyOf": [{ "required": ["absolute"] }, { "required": ["percent"] }],
        "properties": {
            "column": column(),
            "absolute": {
                "description": "A decimal as a text.",
                "type": "string", "maxLength": DECIMAL_LENGTH_MAX, "pattern": format!(r"^\+?{DIGITS}$"),
            },
            "percent": {
                "description": "0 to 100, of the left amount, as a text.",
                "type": "string", "pattern": percent,
            },
        },
    })
}

fn one_direction() -> Value {
    let percent = format!(
        r"\+?(100(\.0{{1,{PERCENT_PLACES_MAX}}})?|[0-9]{{1,2}}(\.[0-9]{{1,{PERCENT_PLACES_MAX}}})?)%"
    );
    let pattern = format!(r"^(\+?{DIGITS}|{percent})$");
    let allowance = |about: &str| json!({ "description": about, "type": "string", "maxLength": DECIMAL_LENGTH_MAX, "pattern": pattern });
    json!({
        "description": "How far numbers may be apart in one direction each.",
        "type": "object",
        "additionalProperties": false,
        "required": ["column"],
        "anyOf": [{ "required": ["above"] }, { "required": ["below"] }],
        "properties": {
            "column": column(),
            "above": allowance("How far right may be above left: `\"0.02\"` or `\"0.5%\"`."),
            "below": allowance("How far right may be below left: `\"0.02\"` or `\"0.5%\"`."),
        },
    })
}

fn days() -> Value {
    let days =
        |about: &str| json!({ "description": about, "type": "integer", "minimum": 0, "maximum": DAYS_MAX });
    json!({
        "description": "How far dates or points in time may be apart, in calendar days, or in business days of a \
            calendar.",
        "type": "object",
        "additionalProperties": false,
        "required": ["column"],
        "anyOf": [{ "required": ["days_before"] }, { "required": ["days_after"] }],
        "properties": {
            "column": column(),
            "days_before": days("How many days right may be before left."),
            "days_after": days("How many days right may be after left."),
            "calendar": nullable(json!({
                "description": "A calendar of these rules.",
                "type": "string", "minLength": 1, "maxLength": NAME_BYTES_MAX,
            })),
        },
    })
}

fn likeness() -> Value {
    json!({
        "description": "Texts that must be alike.",
        "type": "object",
        "additionalProperties": false,
        "required": ["column", "at_least"],
        "properties": {
            "column": column(),
            "at_least": {
                "description": "The least score: 10,000 is the same text.",
                "type": "integer", "minimum": 0, "maximum": SCORE_MAX,
            },
            "measure": nullable(json!({
                "description": "How the score is taken: `token_set` (default) does not mind order and repetition.",
                "type": "string", "enum": Measure::SPELLINGS,
            })),
        },
    })
}

fn filter() -> Value {
    let tests = ["is", "is_not", "at_least", "at_most", "matches"];
    let one = tests.map(|test| json!({ "required": [test] }));
    let literal =
        |about: &str| json!({ "description": about, "type": "string", "maxLength": TEXT_BYTES_MAX });
    let number = |about: &str| json!({ "description": about, "type": "string", "maxLength": DECIMAL_LENGTH_MAX, "pattern": format!("^[+-]?{DIGITS}$") });
    json!({
        "description": "Which rows take part: one test a filter, all filters together.",
        "type": "object",
        "additionalProperties": false,
        "required": ["column"],
        "oneOf": one,
        "properties": {
            "column": column(),
            "side": nullable(json!({
                "description": "Whose rows are tested; those of both sides where it is left out.",
                "type": "string", "enum": Side::SPELLINGS,
            })),
            "is": literal("The value that it has, in the form of the column's type."),
            "is_not": literal("A value that it does not have."),
            "at_least": number("Numbers: the least, as a text."),
            "at_most": number("Numbers: the greatest, as a text."),
            "matches": {
                "description": "Texts: a regular expression that is found in it.",
                "type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX,
            },
        },
    })
}
