//! That every alert has what it needs beside it: a case in which it fires, a near miss, and a section that says what to do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Where an alert's section is, by its path in the repository. An installation puts its own address before it.
const RUNBOOK_BASE: &str = "infra/monitoring/runbooks.md#";
const SEVERITIES: [&str; 2] = ["page", "ticket"];
/// What each section says, in this order.
const PARTS: [&str; 5] = ["**Users:**", "**First:**", "**Causes:**", "**Do:**", "**Over:**"];
/// How many commands a section has to begin with.
const COMMANDS_MIN: usize = 3;

/// What was found.
pub(super) struct Covered {
    pub(super) complaints: Vec<String>,
    pub(super) alerts: usize,
    pub(super) cases: usize,
}

/// The cases of an alert.
#[derive(Default)]
struct Cases {
    fires: usize,
    silent: usize,
}

pub(super) fn check(rule: &Value, files: &[Value], runbooks: &str) -> Covered {
    let mut complaints = Vec::new();
    let alerts: Vec<&Value> = alerts(rule).collect();
    let names: BTreeSet<&str> = alerts.iter().map(|alert| text(&alert["alert"])).collect();
    let cases = cases(files, &names, &mut complaints);
    let sections = sections(runbooks);
    for alert in &alerts {
        let name = text(&alert["alert"]);
        described(name, alert, &mut complaints);
        let Cases { fires, silent } = cases.get(name).unwrap_or(&Cases { fires: 0, silent: 0 });
        if *fires == 0 {
            complaints.push(format!("{name}: no case in which it fires"));
        }
        if *silent == 0 {
            complaints.push(format!("{name}: no case in which it stays silent"));
        }
        match sections.get(name) {
            None => complaints.push(format!("{name}: the runbooks have no section `## {name}`")),
            Some(section) => explained(name, section, &mut complaints),
        }
    }
    for section in sections.keys().filter(|section| !names.contains(*section)) {
        complaints.push(format!("the runbooks have a section `## {section}`, which is no alert"));
    }
    if names.len() != alerts.len() {
        complaints.push("two alerts have the same name".to_owned());
    }
    let count = cases.values().map(|cases| cases.fires + cases.silent).sum();
    Covered { complaints, alerts: alerts.len(), cases: count }
}

fn alerts(rule: &Value) -> impl Iterator<Item = &Value> {
    let rules = list(&rule["spec"]["groups"]).flat_map(|group| list(&group["rules"]));
    rules.filter(|rule| !rule["alert"].is_null())
}

/// By the alert's name. promtool takes a name that no rule has for one that stays silent.
fn cases<'a>(
    files: &'a [Value],
    names: &BTreeSet<&str>,
    complaints: &mut Vec<String>,
) -> BTreeMap<&'a str, Cases> {
    let mut found: BTreeMap<&str, Cases> = BTreeMap::new();
    for group in files.iter().flat_map(|file| list(&file["tests"])) {
        let about = text(&group["name"]);
        if about.is_empty() {
            complaints.push(format!("a group of cases has no name: {}", group["alert_rule_test"]));
        }
        if list(&group["input_series"]).next().is_none() {
            complaints.push(format!("`{about}` has no series, so every alert stays silent"));
        }
        for case in list(&group["alert_rule_test"]) {
            let name = text(&case["alertname"]);
            if !names.contains(name) {
                complaints.push(format!("`{about}` tries {name}, which is no alert"));
            }
            let cases = found.entry(name).or_default();
            match list(&case["exp_alerts"]).count() {
                0 => cases.silent += 1,
                _ => cases.fires += 1,
            }
        }
    }
    found
}

/// What an alert says by itself.
fn described(name: &str, alert: &Value, complaints: &mut Vec<String>) {
    let severity = text(&alert["labels"]["severity"]);
    if !SEVERITIES.contains(&severity) {
        complaints.push(format!("{name}: severity `{severity}` is none of {}", SEVERITIES.join(", ")));
    }
    for annotation in ["summary", "description"] {
        if text(&alert["annotations"][annotation]).is_empty() {
            complaints.push(format!("{name}: no {annotation}"));
        }
    }
    let expected = format!("{RUNBOOK_BASE}{}", name.to_lowercase());
    let runbook = text(&alert["annotations"]["runbook_url"]);
    if runbook != expected {
        complaints.push(format!("{name}: runbook_url is `{runbook}`, not `{expected}`"));
    }
}

/// The sections of second order, by their headings.
fn sections(runbooks: &str) -> BTreeMap<&str, &str> {
    let parts = runbooks.split("\n## ").skip(1);
    parts
        .map(|part| part.split_once('\n').map_or((part.trim(), ""), |(heading, rest)| (heading.trim(), rest)))
        .collect()
}

fn explained(name: &str, section: &str, complaints: &mut Vec<String>) {
    let mut rest = section;
    for part in PARTS {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => complaints.push(format!("{name}: its section has no {part} where it is expected")),
        }
    }
    let block = section.split_once("```").and_then(|(_, after)| after.split_once("```"));
    let lines = block.map_or(0, |(block, _)| block.lines().skip(1).filter(|line| is_command(line)).count());
    if lines < COMMANDS_MIN {
        complaints.push(format!("{name}: its section begins with {lines} commands, not {COMMANDS_MIN}"));
    }
}

/// Whether a line begins one; comments do not, and neither do lines that are indented because they go on.
fn is_command(line: &str) -> bool {
    !line.is_empty() && !line.starts_with([' ', '#'])
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECTION: &str = "# Runbooks\n\n## Down\n**Users:** a.\n**First:**\n```sh\none\ntwo\n  more\n# why\nthree\n```\n\
                           **Causes:** b. **Do:** c. **Over:** d.\n";

    fn alert() -> Value {
        json!({
            "alert": "Down",
            "expr": "up == 0",
            "labels": { "severity": "page" },
            "annotations": {
                "summary": "It is down",
                "description": "1 is down",
                "runbook_url": "infra/monitoring/runbooks.md#down",
            },
        })
    }

    fn group(cases: &Value) -> Value {
        json!({ "name": "a", "input_series": [{ "series": "up", "values": "0" }], "alert_rule_test": cases })
    }

    fn both() -> Value {
        group(&json!([{ "alertname": "Down", "exp_alerts": [{}] }, { "alertname": "Down" }]))
    }

    #[track_caller]
    fn check_that(alert: &Value, group: &Value, runbooks: &str, expected: &[&str]) {
        let rule = json!({ "spec": { "groups": [{ "rules": [{ "record": "a:b" }, alert] }] } });
        let covered = check(&rule, &[json!({ "tests": [group] })], runbooks);
        assert_eq!(covered.complaints, expected);
    }

    #[test]
    fn an_alert_with_all_that_it_needs_is_fine() {
        check_that(&alert(), &both(), SECTION, &[]);
    }

    #[test]
    fn a_case_that_is_missing_is_named() {
        let fires = group(&json!([{ "alertname": "Down", "exp_alerts": [{}] }]));
        check_that(&alert(), &fires, SECTION, &["Down: no case in which it stays silent"]);
        let silent = group(&json!([{ "alertname": "Down", "exp_alerts": [] }]));
        check_that(&alert(), &silent, SECTION, &["Down: no case in which it fires"]);
    }

    #[test]
    fn a_case_of_an_alert_that_is_not_there_is_refused() {
        let mut group = both();
        group["alert_rule_test"].as_array_mut().unwrap().push(json!({ "alertname": "Dwon" }));
        check_that(&alert(), &group, SECTION, &["`a` tries Dwon, which is no alert"]);
    }

    #[test]
    fn silence_without_a_series_is_no_case() {
        let mut group = both();
        group["input_series"] = json!([]);
        check_that(&alert(), &group, SECTION, &["`a` has no series, so every alert stays silent"]);
    }

    #[test]
    fn an_alert_says_how_bad_it_is_and_where_to_read() {
        let mut alert = alert();
        alert["labels"]["severity"] = json!("critical");
        alert["annotations"]["summary"] = json!("");
        alert["annotations"]["runbook_url"] = json!("infra/monitoring/runbooks.md#up");
        let expected = [
            "Down: severity `critical` is none of page, ticket",
            "Down: no summary",
            "Down: runbook_url is `infra/monitoring/runbooks.md#up`, not `infra/monitoring/runbooks.md#down`",
        ];
        check_that(&alert, &both(), SECTION, &expected);
    }

    #[test]
    fn runbooks_and_alerts_are_the_same() {
        check_that(&alert(), &both(), "# Runbooks\n", &["Down: the runbooks have no section `## Down`"]);
        let more = format!("{SECTION}\n## Up\nNothing.\n");
        check_that(&alert(), &both(), &more, &["the runbooks have a section `## Up`, which is no alert"]);
    }

    #[test]
    fn a_section_has_all_its_parts_and_commands() {
        let without = SECTION.replace("**Do:** c.", "").replace("three\n", "");
        let expected = [
            "Down: its section has no **Do:** where it is expected",
            "Down: its section begins with 2 commands, not 3",
        ];
        check_that(&alert(), &both(), &without, &expected);
    }

    #[test]
    fn names_are_given_once() {
        let rule = json!({ "spec": { "groups": [{ "rules": [alert(), alert()] }] } });
        let covered = check(&rule, &[json!({ "tests": [both()] })], SECTION);
        assert_eq!(covered.complaints, ["two alerts have the same name"]);
    }
}
