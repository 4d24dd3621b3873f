//! The breaks, held against their rows, their nearest candidates and the matches beside them.

use std::path::Path;

use anyhow::Result;
use recon_domain::{Ambiguous, BreakKind, Cause, Side};
use recon_engine::{Break, Match, Nearest, Reason};
use recon_formats::results::read::{self, BreakLine};

use super::conditions::{told, written};
use super::differences::Differences;
use super::lines::next;
use super::numbering::{At, Numbering};
use super::rows::{Place, Rows};

/// What the line of a break says beside the break.
struct Claim {
    line: u64,
    row: u64,
    nearest_row: Option<u64>,
    cause: Option<Cause>,
}

/// Reads the breaks beside these matches, and says what is wrong with them.
pub(super) fn read(
    folder: &Path,
    rows: &mut Rows<'_>,
    matches: &[Match],
    differences: &mut Differences,
) -> Result<Vec<Break>> {
    let mut lines = read::breaks(folder)?;
    let (mut numbering, format) = (Numbering::of(&lines), lines.format());
    let (mut found, mut claims): (Vec<Break>, Vec<Claim>) = (Vec::new(), Vec::new());
    let mut before = None;
    while let Some(line) = next(&mut lines, differences)? {
        let number = numbering.next(&line.cells, &[line.failed.as_deref().unwrap_or_default()]);
        let place = (line.side, line.row);
        if before.replace(place).is_some_and(|before| before >= place) {
            differences.add(format!("{} row {} stands out of order among the breaks", line.side, line.row));
        }
        let Some(entry) = rows.see(place, Place::Break, (format, &line.cells), differences) else {
            continue;
        };
        let nearest = nearest(&line, entry, &numbering.at(number), rows, differences)?;
        found.push(Break { side: line.side, entry, kind: line.kind, nearest, twin: None });
        let BreakLine { row, nearest_row, cause, .. } = line;
        claims.push(Claim { line: number, row, nearest_row, cause });
    }
    let reasons = rows.checker.reasons(matches, &found)?;
    for ((left_over, claim), reason) in found.iter().zip(&claims).zip(reasons) {
        let held = Held { left_over, claim, reason, rows, at: numbering.at(claim.line) };
        held.nearest(differences);
        held.kind(differences);
        held.cause(differences);
    }
    Ok(found)
}

/// The nearest candidate that a line names, with what it fails: as the line has it where that is so, else as it is.
fn nearest(
    line: &BreakLine,
    entry: u32,
    at: &At<'_>,
    rows: &mut Rows<'_>,
    differences: &mut Differences,
) -> Result<Option<Nearest>> {
    let (side, other) = (line.side, line.side.other());
    let Some(row) = line.nearest_row else {
        if line.failed.is_some() || line.cause.is_some() {
            differences.add(format!("{at}: {side} row {} names no nearest row, and what it fails", line.row));
        }
        return Ok(None);
    };
    // A row that does not exist is told of when it is found to be no break.
    let Some(nearest) = rows.entry(other, row) else { return Ok(None) };
    let mut near = rows.checker.near(side, entry, nearest)?;
    let there = line.failed.as_deref().unwrap_or_default();
    if let Some(named) = near.iter().position(|near| written(rows, near) == there) {
        return Ok(Some(near.swap_remove(named)));
    }
    let pair = format!("{side} row {} and {other} row {row}", line.row);
    let Some(near) = near.into_iter().next() else {
        let mut entries = [nearest; 2];
        entries[side as usize] = entry;
        let fails = least_failed(entries, rows)?;
        differences.add(format!("{at}: {pair} are not near each other by any pass{fails}"));
        return Ok(None);
    };
    let (pass, is) = (rows.pass_name(near.pass), quoted(&written(rows, &near)));
    differences.add(format!("{at}: pass `{pass}`: {pair} fail {is}, not {}", quoted(there)));
    Ok(Some(near))
}

/// The pass that two entries come nearest to, in words that follow others.
fn least_failed(entries: [u32; 2], rows: &mut Rows<'_>) -> Result<String> {
    let mut least: Option<(u16, Vec<recon_engine::Failed>)> = None;
    for (pass, _) in (0..).zip(&rows.rules.passes) {
        let failed = rows.checker.failed(pass, entries)?;
        if least.as_ref().is_none_or(|(_, least)| failed.len() < least.len()) {
            least = Some((pass, failed));
        }
    }
    let words = |(pass, failed): (u16, Vec<_>)| {
        format!("; of pass `{}`: {}", rows.pass_name(pass), told(rows, pass, &failed, entries))
    };
    Ok(least.map_or_else(String::new, words))
}

fn quoted(failed: &str) -> String {
    if failed.is_empty() { "nothing".to_owned() } else { format!("`{failed}`") }
}

/// A break with what its line says and what is so.
struct Held<'a> {
    left_over: &'a Break,
    claim: &'a Claim,
    reason: Reason,
    rows: &'a Rows<'a>,
    at: At<'a>,
}

impl Held<'_> {
    fn nearest(&self, differences: &mut Differences) {
        let Some(row) = self.claim.nearest_row else { return };
        let (at, whose, other) = (&self.at, self.whose(), self.left_over.side.other());
        let entry = self.rows.entry(other, row);
        if entry.map(|entry| self.rows.place(other, entry)) != Some(Place::Break) {
            differences.add(format!("{at}: {whose}: its nearest, {other} row {row}, is no break"));
        }
        if self.reason.kind == BreakKind::Duplicate {
            differences.add(format!("{at}: {whose} is a duplicate, which has no nearest row"));
        }
    }

    fn kind(&self, differences: &mut Differences) {
        let (at, whose, kind) = (&self.at, self.whose(), self.left_over.kind);
        let forbids = |pass: &recon_domain::Pass| pass.ambiguous == Ambiguous::Forbid;
        let may_be_ambiguous = self.rows.rules.passes.iter().any(forbids);
        let is = self.reason.kind;
        if kind == is || (kind == BreakKind::Ambiguous && is != BreakKind::Duplicate && may_be_ambiguous) {
            return;
        }
        let by = match &self.left_over.nearest {
            _ if is == BreakKind::Duplicate => "the matched row that is like it".to_owned(),
            Some(nearest) => {
                let failed = quoted(&written(self.rows, nearest));
                format!("pass `{}`, of which its nearest fails {failed},", self.rows.pass_name(nearest.pass))
            }
            None => "no nearest row and no matched row that is like it".to_owned(),
        };
        differences.add(format!("{at}: {whose} is {kind}, by {by} {is}"));
    }

    fn cause(&self, differences: &mut Differences) {
        let (Some(nearest), there, is) = (&self.left_over.nearest, self.claim.cause, self.reason.cause)
        else {
            return;
        };
        if there != is {
            let words =
                |cause: Option<Cause>| cause.map_or_else(|| "none".to_owned(), |cause| cause.to_string());
            let (at, whose, pass) = (&self.at, self.whose(), self.rows.pass_name(nearest.pass));
            let (failed, there, is) = (quoted(&written(self.rows, nearest)), words(there), words(is));
            differences.add(format!("{at}: pass `{pass}`: {whose}: the cause is {there}, of {failed} {is}"));
        }
    }

    /// The row in words.
    fn whose(&self) -> String {
        let side: Side = self.left_over.side;
        format!("{side} row {}", self.claim.row)
    }
}
