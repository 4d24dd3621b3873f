//! What people read: summaries as tables, errors in words.

mod suggestion;

use std::io::Write as _;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use recon_contract::{SideAmounts, Summary};
use recon_domain::Side;
use recon_formats::{Reading, Rejection};
use serde_json::json;

use crate::cli::Format;
use crate::command::config::Check;

pub(crate) use self::suggestion::suggestion;

/// A line under the header, and no other: rows are short.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Prints an error and its causes on standard error; for programs as an object on one line.
pub(crate) fn error(error: &anyhow::Error, format: Format) {
    match format {
        Format::Table => say(&format!("recon: {error:#}")),
        Format::Json => {
            let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
            say(&json!({ "error": { "detail": error.to_string(), "causes": causes } }).to_string());
        }
    }
}

/// Says something beside the result, on standard error. Nobody listening is no error.
pub(crate) fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
}

/// Prints text on standard output. A reader that went away is no error: `recon … | head` is ordinary.
pub(crate) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.write_all(b"\n")).and_then(|()| out.flush());
}

/// How many rejected rows are shown by line; the others are counted.
const REJECTIONS_SHOWN_MAX: usize = 5;

/// Says on standard error how a file's columns were read where that was not certain, and which rows were rejected.
pub(crate) fn readings(side: Side, readings: &[Reading], rejections: &[Rejection]) {
    for reading in readings.iter().filter(|reading| reading.assumed) {
        say(&format!("{side} {}: {}", reading.column, reading.text));
    }
    for rejection in rejections.iter().take(REJECTIONS_SHOWN_MAX) {
        let column =
            rejection.column.as_ref().map_or_else(String::new, |column| format!(", column {column}"));
        say(&format!("{side} line {}{column}: rejected, {}", rejection.line, rejection.reason));
    }
    if rejections.len() > REJECTIONS_SHOWN_MAX {
        say(&format!("{side}: {} more rows rejected", rejections.len() - REJECTIONS_SHOWN_MAX));
    }
}

/// A summary as tables.
pub(crate) fn summary(summary: &Summary) -> String {
    let mut parts = vec![sides(summary).to_string(), passes(summary).to_string()];
    if !summary.breaks.is_empty() {
        parts.push(breaks(summary).to_string());
    }
    if !summary.control_totals.is_empty() {
        parts.push(control_totals(summary).to_string());
    }
    let limits = &summary.limits;
    if limits.skipped_blocks > 0 {
        parts.push(format!(
            "{} blocks had too many candidates to look at; their entries were left open. \
             Add a condition that tells them apart.",
            limits.skipped_blocks
        ));
    }
    if limits.bounded_components > 0 {
        parts.push(format!(
            "{} groups of candidates were not shown to be matched in the best way (gap {}, in units of the first cost).",
            limits.bounded_components, limits.gap
        ));
    }
    parts.push(format!("digest {}", summary.digest));
    parts.join("\n\n")
}

/// Settings as a table.
pub(crate) fn settings(settings: &[recon_runtime::Effective]) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(["setting", "value", "", "what for"]);
    for setting in settings {
        let value = setting.value.as_ref().unwrap_or_else(|error| error);
        let origin = if setting.given { "set" } else { "default" };
        table.add_row([setting.name, value, origin, setting.about]);
    }
    table.to_string()
}

/// What was reached for, a line each.
pub(crate) fn checks(checks: &[Check]) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(["check", "", "what was found"]);
    for check in checks {
        match &check.found {
            Ok(found) => table.add_row([check.name, "ok", found]),
            Err(problem) => table.add_row([check.name, "FAILED", problem]),
        };
    }
    table.to_string()
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn sides(summary: &Summary) -> Table {
    let mut table = table(&["rows", "left", "right"]);
    let Summary { left, right, match_rate, .. } = summary;
    for (name, of_left, of_right) in [
        ("entries", left.rows, right.rows),
        ("matched", left.matched, right.matched),
        ("suggested", left.suggested, right.suggested),
        ("broken", left.broken, right.broken),
        ("rejected (beside them)", left.rejected, right.rejected),
    ] {
        table.add_row([name.to_owned(), grouped(of_left), grouped(of_right)]);
    }
    table.add_row(["match rate".to_owned(), percent(&match_rate.left), percent(&match_rate.right)]);
    table
}

fn passes(summary: &Summary) -> Table {
    let mut table = table(&["matches by pass", "confirmed", "suggested"]);
    for count in &summary.by_pass {
        table.add_row([count.pass.clone(), grouped(count.confirmed), grouped(count.suggested)]);
    }
    table
}

fn breaks(summary: &Summary) -> Table {
    let mut table = table(&["breaks by kind", "rows"]);
    for (kind, rows) in &summary.breaks {
        table.add_row([kind.as_str().to_owned(), grouped(*rows)]);
    }
    table
}

fn control_totals(summary: &Summary) -> Table {
    let mut table = table(&["amounts", "input", "matched", "suggested", "broken"]);
    for totals in &summary.control_totals {
        for (side, amounts) in [("left", &totals.left), ("right", &totals.right)] {
            let name = format!("{} {side}", totals.currency);
            let SideAmounts { input, matched, suggested, broken } = amounts;
            table.add_row([&name, input, matched, suggested, broken]);
        }
    }
    table
}

/// A share with four decimals as percent: `0.8892` is `88.92 %`. A share in another spelling stays as it is.
fn percent(share: &str) -> String {
    let parts = share.split_once('.').filter(|(_, decimals)| decimals.len() == 4);
    match parts.and_then(|(whole, decimals)| format!("{whole}{decimals}").parse::<u32>().ok()) {
        Some(parts) => format!("{}.{:02} %", parts / 100, parts % 100),
        None => share.to_owned(),
    }
}

/// A number with its thousands apart, as people read it.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
