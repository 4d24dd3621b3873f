//! Suggested rules on the wire, and dry runs of given ones.

use recon_domain::{DatasetId, RuleSet};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::problem::FieldErrors;
use crate::request::{self, Request};
use crate::rules;

/// Asks for rules for two datasets, or for what given rules would match.
#[derive(Debug, Clone)]
pub struct SuggestRules {
    /// The dataset on the left.
    pub left: DatasetId,
    /// The dataset on the right.
    pub right: DatasetId,
    /// Rules for a dry run; `None` asks for a suggestion.
    pub rules: Option<GivenRules>,
}

/// Rules for a dry run.
#[derive(Debug, Clone)]
pub struct GivenRules {
    /// The rules, checked as far as can be without the datasets' columns.
    pub rules: RuleSet,
    /// The rules as they were sent.
    pub document: Value,
}

/// Suggested rules with the evidence for them, or what given rules would match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleSuggestion {
    /// The rules, ready for a reconciliation; for a dry run those that were given. `None` where too little can be
    /// told for rules that match anything.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<crate::openapi::RuleDocument>))]
    pub rules: Option<Value>,
    /// What could be told where that is not enough for rules: a beginning for whoever writes them.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub draft: Option<Value>,
    /// What each pass matches in the sample.
    pub expected: Vec<ExpectedPass>,
    /// How many rows were looked at.
    pub sample: SampledRows,
    /// Why the rules are as they are.
    pub evidence: Vec<Evidence>,
    /// What could not be told and was not guessed.
    pub questions: Vec<Question>,
}

/// What a pass matches in the sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ExpectedPass {
    /// The name of the pass.
    pub pass: String,
    /// Left rows that it matches, suggestions included.
    pub left_matched: u64,
    /// Right rows that it matches, suggestions included.
    pub right_matched: u64,
}

/// How many rows a suggestion looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SampledRows {
    /// Left rows.
    pub left: u64,
    /// Right rows.
    pub right: u64,
    /// Whether these are all rows of both sides.
    pub complete: bool,
}

/// Why a part of the rules is as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// The part of the rules, as a JSON pointer.
    pub subject: String,
    /// What speaks for it, in words.
    pub text: String,
    /// How sure it is, from 0 to 10,000.
    pub score: u16,
}

/// Something that could not be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Question {
    /// The part of the rules that the answer belongs to, as a JSON pointer.
    pub subject: String,
    /// What is asked, and why.
    pub text: String,
    /// Answers that the data allow; there may be others.
    pub options: Vec<String>,
}

impl Request for SuggestRules {
    fn from_document(document: &Value) -> Result<Self, FieldErrors> {
        request::read(document, |root| {
            let table = root.table(&["left", "right", "rules"])?;
            let left = table.required("left").and_then(|node| node.parsed());
            let right = table.required("right").and_then(|node| node.parsed());
            let given = match table.get("rules") {
                None => Some(None),
                Some(node) => {
                    let rules = rules::read(&node);
                    rules::refuse_file_options(&node);
                    rules.map(|rules| Some(GivenRules { rules, document: node.value.clone() }))
                }
            };
            Some(Self { left: left?, right: right?, rules: given? })
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::FieldCode;

    const LEFT: &str = "00000000-0000-0000-0000-000000000001";
    const RIGHT: &str = "00000000-0000-0000-0000-000000000002";

    fn rules() -> Value {
        json!({
            "columns": {"amount": {"left": "a", "right": "b", "type": "decimal"}},
            "passes": [{"name": "exact", "equal": ["amount"]}],
        })
    }

    #[test]
    fn rules_are_optional_and_checked_where_given() {
        let asked = SuggestRules::from_document(&json!({"left": LEFT, "right": RIGHT, "rules": null}));
        assert!(asked.unwrap().rules.is_none());
        let asked = SuggestRules::from_document(&json!({"left": LEFT, "right": RIGHT, "rules": rules()}));
        let given = asked.unwrap().rules.unwrap();
        assert_eq!((given.rules.passes.len(), given.document), (1, rules()));
    }

    #[test]
    fn faults_have_their_place() {
        let check = |document: Value, pointer: &str, code: FieldCode| {
            let errors = SuggestRules::from_document(&document).unwrap_err().0;
            let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
            assert!(found.contains(&(pointer, code)), "{document}: {found:?}");
        };
        check(json!({"left": LEFT}), "", FieldCode::Missing);
        check(json!({"left": "x", "right": RIGHT}), "/left", FieldCode::Malformed);
        check(json!({"left": LEFT, "right": RIGHT, "name": "x"}), "/name", FieldCode::UnknownField);
        let mut wrong = rules();
        wrong["passes"][0]["equal"] = json!(["amuont"]);
        let asked = json!({"left": LEFT, "right": RIGHT, "rules": wrong});
        check(asked, "/rules/passes/0/equal/0", FieldCode::UnknownRole);
        let mut reading = rules();
        reading["left"] = json!({"delimiter": ";"});
        let asked = json!({"left": LEFT, "right": RIGHT, "rules": reading});
        check(asked, "/rules/left/delimiter", FieldCode::UnknownField);
    }

    #[test]
    fn what_is_not_known_is_null_on_the_wire() {
        let suggestion = RuleSuggestion {
            rules: None,
            draft: None,
            expected: Vec::new(),
            sample: SampledRows { left: 3, right: 2, complete: true },
            evidence: vec![Evidence {
                subject: "/columns/amount".into(),
                text: "its name".into(),
                score: 9000,
            }],
            questions: vec![Question {
                subject: "/columns/date".into(),
                text: "which".into(),
                options: vec!["a".into()],
            }],
        };
        let json = serde_json::to_value(&suggestion).unwrap();
        let expected = json!({
            "rules": null, "draft": null, "expected": [],
            "sample": {"left": 3, "right": 2, "complete": true},
            "evidence": [{"subject": "/columns/amount", "text": "its name", "score": 9000}],
            "questions": [{"subject": "/columns/date", "text": "which", "options": ["a"]}],
        });
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_value::<RuleSuggestion>(json).unwrap(), suggestion);
    }
}
