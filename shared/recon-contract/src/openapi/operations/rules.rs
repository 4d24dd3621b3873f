//! Rules.

use serde_json::json;

use super::reconciliations::rules;
use super::sample;
use crate::openapi::operation::Operation;
use crate::openapi::requests;
use crate::problem::Code;
use crate::route;
use crate::suggestion::{RuleSuggestion, SuggestRules};

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "rule_suggest",
            route::RULE_SUGGEST,
            "Suggest rules, or try some out",
            "Looks at a sample of two datasets that are ready. Without `rules` it suggests some, says what speaks for each \
             part, and asks about what it cannot tell instead of guessing. With `rules` it says what those would match. It \
             changes nothing, and so takes no key.",
        )
        .takes::<SuggestRules>(
            "SuggestRules",
            requests::suggest_rules,
            json!({ "left": sample::DATASET, "right": sample::OTHER_DATASET, "rules": null }),
        )
        .answers::<RuleSuggestion>(
            200,
            "Rules with their evidence, or what the given ones would match.",
            json!({
                "rules": rules(),
                "draft": null,
                "expected": [{ "pass": "reference", "left_matched": 322, "right_matched": 322 }],
                "sample": { "left": 361, "right": 348, "complete": true },
                "evidence": [{
                    "subject": "/columns/amount", "score": 9700,
                    "text": "both columns hold decimals, and 94% of the left values occur on the right",
                }],
                "questions": [{
                    "subject": "/columns/date", "text": "which of the two dates on the right counts?",
                    "options": ["posting_date", "value_date"],
                }],
            }),
        )
        .refuses(&[Code::NotFound, Code::DatasetNotReady, Code::AnswerTooLarge]),
    ]
}
