//! A suggestion of rules, for people.

use recon_contract::{RuleSuggestion, rules};

use super::{grouped, table};

/// The rules, what they match in the sample, why they are as they are, and what is asked.
pub(crate) fn suggestion(suggestion: &RuleSuggestion) -> String {
    let sample = &suggestion.sample;
    let all = if sample.complete { "all" } else { "a sample of" };
    let mut parts =
        vec![format!("from {all} {} left and {} right rows", grouped(sample.left), grouped(sample.right))];
    match (&suggestion.rules, &suggestion.draft) {
        (Some(document), _) => parts.push(rules::to_toml(document).trim_end().to_owned()),
        (None, Some(draft)) => {
            parts.push(format!("the beginning of a rule file:\n\n{}", rules::to_toml(draft).trim_end()));
        }
        (None, None) => {}
    }
    if !suggestion.expected.is_empty() {
        let mut expected = table(&["expected by pass", "left", "right"]);
        for pass in &suggestion.expected {
            expected.add_row([pass.pass.clone(), grouped(pass.left_matched), grouped(pass.right_matched)]);
        }
        parts.push(expected.to_string());
    }
    let told = suggestion.evidence.iter().map(|evidence| {
        format!("{} (score {} of 10000)\n  {}", evidence.subject, evidence.score, evidence.text)
    });
    parts.extend(told);
    let asked = suggestion.questions.iter().map(|question| {
        let subject = if question.subject.is_empty() { "the files" } else { &question.subject };
        let options: Vec<String> = question.options.iter().map(|option| format!("\n  - {option}")).collect();
        format!("QUESTION about {subject}\n  {}{}", question.text, options.concat())
    });
    parts.extend(asked);
    parts.join("\n\n")
}
