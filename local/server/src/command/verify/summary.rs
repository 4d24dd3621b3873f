//! `summary.json` against what was counted again.

use std::path::Path;

use anyhow::{Context, Result};
use recon_contract::Summary;
use recon_domain::Limits;
use serde_json::Value;

use super::differences::Differences;

/// Reads a summary as it stands, whatever it says.
pub(super) fn read(folder: &Path) -> Result<Value> {
    let path = folder.join("summary.json");
    let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} is not JSON", path.display()))
}

/// What the run said of its limits. Nobody can tell them from a result, so they are taken as they are.
pub(super) fn limits(summary: &Value) -> Limits {
    let number = |pointer: &str| summary.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let gap = summary.pointer("/limits/gap").and_then(Value::as_str).and_then(|gap| gap.parse().ok());
    Limits {
        skipped_blocks: number("/limits/skipped_blocks"),
        bounded_components: number("/limits/bounded_components"),
        gap: gap.unwrap_or(0),
    }
}

/// Says each place at which a summary is not what was counted.
pub(super) fn compare(there: &Value, counted: &Summary, differences: &mut Differences) -> Result<()> {
    at("", there, &serde_json::to_value(counted)?, differences);
    Ok(())
}

fn at(place: &str, there: &Value, counted: &Value, differences: &mut Differences) {
    match (there, counted) {
        (Value::Object(there), Value::Object(counted)) => {
            let names = counted.keys().chain(there.keys().filter(|name| !counted.contains_key(*name)));
            for name in names {
                let cell =
                    |fields: &serde_json::Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
                at(&format!("{place}/{name}"), &cell(there), &cell(counted), differences);
            }
        }
        (Value::Array(there), Value::Array(counted)) => {
            for index in 0..there.len().max(counted.len()) {
                let item = |items: &[Value]| items.get(index).cloned().unwrap_or_default();
                at(&format!("{place}/{index}"), &item(there), &item(counted), differences);
            }
        }
        _ if there == counted => {}
        _ => differences.add(format!("summary.json{place} is {there}, counted again {counted}")),
    }
}
