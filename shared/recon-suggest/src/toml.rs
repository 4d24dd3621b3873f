//! A suggestion as a rule file, with what speaks for it and what is open as comments.

use recon_contract::{Evidence, RuleSuggestion, rules};

/// Characters of a line of a comment.
const LINE_CHARS_MAX: usize = 110;

/// The rules, or the draft where there are none, as TOML with comments.
#[must_use]
pub fn to_toml(suggestion: &RuleSuggestion) -> String {
    let mut out = String::new();
    for question in &suggestion.questions {
        comment(&mut out, &format!("QUESTION {}: {}", question.subject, question.text));
        for option in &question.options {
            comment(&mut out, &format!("  - {option}"));
        }
    }
    let document = suggestion.rules.as_ref().or(suggestion.draft.as_ref());
    let text = document.map(rules::to_toml).unwrap_or_default();
    let mut pass = 0;
    let lines: Vec<(&str, Option<String>)> =
        text.lines().map(|line| (line, subject(line, &mut pass))).collect();
    // What no heading is about stands before all of them.
    let is_placed = |of: &str| lines.iter().any(|(_, heading)| is_about(of, heading.as_deref()));
    for evidence in suggestion.evidence.iter().filter(|evidence| !is_placed(&evidence.subject)) {
        tell(&mut out, evidence);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    for (line, heading) in &lines {
        let about = |evidence: &&Evidence| is_about(&evidence.subject, heading.as_deref());
        for evidence in suggestion.evidence.iter().filter(about) {
            tell(&mut out, evidence);
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn tell(out: &mut String, evidence: &Evidence) {
    comment(out, &format!("{} (score {})", evidence.text, evidence.score));
}

/// Whether a place is that of a heading, or below it.
fn is_about(of: &str, heading: Option<&str>) -> bool {
    let rest = heading.and_then(|heading| of.strip_prefix(heading));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The place in the document that a heading is of.
fn subject(line: &str, pass: &mut usize) -> Option<String> {
    if line == "[[passes]]" {
        *pass += 1;
        return Some(format!("/passes/{}", *pass - 1));
    }
    let heading = line.strip_prefix('[')?.strip_suffix(']')?;
    Some(format!("/{}", heading.replace('.', "/")))
}

/// Writes a comment, broken into lines between words.
fn comment(out: &mut String, text: &str) {
    let mut chars = 0;
    // A line end or another control character would end the comment.
    let text: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    for word in text.split(' ') {
        let length = word.chars().count();
        if chars == 0 || chars + length + 1 > LINE_CHARS_MAX {
            out.push_str(if chars == 0 { "#" } else { "\n#" });
            chars = 1;
        }
        out.push(' ');
        out.push_str(word);
        chars += length + 1;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use recon_contract::{Question, SampledRows};
    use serde_json::json;

    use super::*;

    #[test]
    fn comments_stand_beside_what_they_are_about_and_change_nothing() {
        let document = json!({
            "columns": {"amount": {"left": "a\nb", "right": "c", "type": "decimal"}},
            "passes": [{"name": "one", "equal": ["amount"]}, {"name": "two", "equal": ["amount"]}],
        });
        let evidence = |subject: &str, text: &str| Evidence {
            subject: subject.to_owned(),
            text: text.to_owned(),
            score: 9_000,
        };
        let suggestion = RuleSuggestion {
            rules: Some(document.clone()),
            draft: None,
            expected: Vec::new(),
            sample: SampledRows { left: 1, right: 1, complete: true },
            evidence: vec![
                evidence("/left", "about the file"),
                evidence("/columns/amount", "`a\nb`: its name"),
                evidence("/columns/amount/negate", "signs"),
                evidence("/passes/1", &"word ".repeat(60)),
            ],
            questions: vec![Question {
                subject: "/columns/date".to_owned(),
                text: "which?".to_owned(),
                options: vec!["x\n[evil]".to_owned()],
            }],
        };
        let toml = to_toml(&suggestion);
        assert_eq!(rules::toml_to_json(&toml).unwrap(), document, "{toml}");
        assert!(
            toml.contains("# `a b`: its name (score 9000)\n# signs (score 9000)\n[columns.amount]"),
            "{toml}"
        );
        assert!(toml.starts_with("# QUESTION /columns/date: which?\n"), "{toml}");
        assert!(toml.contains("# about the file (score 9000)\n\n"), "{toml}");
        assert!(toml.lines().all(|line| line.chars().count() <= LINE_CHARS_MAX + 10), "{toml}");
    }
}
