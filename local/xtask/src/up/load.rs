//! Loads the demo over HTTP, as any client would.

use std::fmt::Write as _;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::client::{Client, text};
use crate::workspace;

/// How long a dataset or a reconciliation of some hundred rows may take.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);

/// Signs in, uploads both files, reconciles them; the answer is the finished reconciliation.
pub(crate) fn demo(client: &mut Client, email: &str, password: &str) -> Result<Value> {
    client.sign_in(email, password)?;
    let left = dataset(client, "Bank, spring 2026", "bank.csv")?;
    let right = dataset(client, "Ledger, spring 2026", "ledger.csv")?;
    let rules: Value = serde_json::from_slice(&demo_file("rules.json")?).context("read rules.json")?;
    let body = json!({"name": "Spring 2026", "left": left, "right": right, "rules": rules});
    let accepted = client.post("/v1/reconciliations", &body, "demo-reconciliation")?;
    let path = format!("/v1/reconciliations/{}?wait=20", text(&accepted, "/id")?);
    settled(client, &path, &["queued", "running"], "succeeded", PATIENCE)
}

/// Uploads a file; the answer is the id of its dataset, which is ready.
fn dataset(client: &Client, name: &str, file: &str) -> Result<String> {
    let created = client.post("/v1/datasets", &json!({"name": name}), &format!("demo-create-{file}"))?;
    let id = text(&created, "/id")?.to_owned();
    client.put(&created["upload"], &demo_file(file)?)?;
    let path = format!("/v1/datasets/{id}");
    client.post(&format!("{path}/complete"), &json!({}), &format!("demo-complete-{file}"))?;
    settled(client, &path, &["awaiting_upload", "ingesting"], "ready", PATIENCE)?;
    Ok(id)
}

/// Asks until the status is none of those on the way, and fails unless it is the wanted one.
pub(crate) fn settled(
    client: &Client,
    path: &str,
    on_the_way: &[&str],
    wanted: &str,
    patience: Duration,
) -> Result<Value> {
    let start = Instant::now();
    loop {
        let answer = client.get(path)?;
        let status = text(&answer, "/status")?;
        if status == wanted {
            return Ok(answer);
        }
        if !on_the_way.contains(&status) {
            bail!("{path} is {status}: {answer}");
        }
        if start.elapsed() > patience {
            bail!("{path} is still {status} after {} s", patience.as_secs());
        }
        thread::sleep(POLL);
    }
}

fn demo_file(name: &str) -> Result<Vec<u8>> {
    let path = workspace::root().join("local/demo").join(name);
    fs::read(&path).with_context(|| format!("read {}", path.display()))
}

/// The summary of a reconciliation for people.
pub(super) fn table(reconciliation: &Value) -> Result<String> {
    let summary = reconciliation.get("summary").context("the reconciliation has no summary")?;
    let columns = ["rows", "rejected", "matched", "suggested", "broken"];
    let mut table = format!("{:<8}", "");
    for column in columns {
        let _ = write!(table, "{column:>11}");
    }
    for side in ["left", "right"] {
        let _ = write!(table, "\n{side:<8}");
        for column in columns {
            let _ = write!(table, "{:>11}", count(summary, &format!("/{side}/{column}"))?);
        }
    }
    let breaks = summary.get("breaks").and_then(Value::as_object).context("the summary has no breaks")?;
    let breaks: Vec<String> = breaks.iter().map(|(kind, rows)| format!("{kind} {rows}")).collect();
    let _ = writeln!(table, "\nbreaks: {}", breaks.join(", "));
    Ok(table)
}

fn count(summary: &Value, pointer: &str) -> Result<u64> {
    summary.pointer(pointer).and_then(Value::as_u64).with_context(|| format!("the summary has no {pointer}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_both_sides_and_the_breaks() {
        let side = json!({"rows": 10, "rejected": 1, "matched": 7, "suggested": 1, "broken": 2});
        let summary = json!({"left": side, "right": side, "breaks": {"duplicate": 2}});
        let table = table(&json!({"summary": summary})).unwrap();
        assert_eq!(table.lines().count(), 4);
        assert!(table.contains("\nright            10          1          7          1          2\n"));
        assert!(table.ends_with("breaks: duplicate 2\n"));
    }

    #[test]
    fn a_summary_without_a_count_is_an_error_that_names_it() {
        let error = table(&json!({"summary": {"left": {}}})).unwrap_err();
        assert_eq!(error.to_string(), "the summary has no /left/rows");
    }
}
