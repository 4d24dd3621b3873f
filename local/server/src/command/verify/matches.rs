//! The matches, held against their rows and against the conditions of their passes.

use std::path::Path;

use anyhow::Result;
use recon_domain::{Ambiguous, Pass, Variance};
use recon_engine::{Entries, Match};
use recon_formats::results::ResultFormat;
use recon_formats::results::read::{self, MatchLine, as_written};

use super::conditions::told;
use super::differences::Differences;
use super::lines::next;
use super::numbering::{At, Numbering};
use super::rows::{Place, Rows};

/// Reads the matches, and says what is wrong with them.
pub(super) fn read(folder: &Path, rows: &mut Rows<'_>, differences: &mut Differences) -> Result<Vec<Match>> {
    let mut lines = read::matches(folder)?;
    let (mut numbering, format) = (Numbering::of(&lines), lines.format());
    let (mut found, mut group): (Vec<Match>, Vec<MatchLine>) = (Vec::new(), Vec::new());
    let (mut number, mut start) = (0, 0);
    while let Some(line) = next(&mut lines, differences)? {
        let is_same = group.first().is_some_and(|first| first.number == line.number);
        if !is_same {
            found.extend(matched(&mut number, &group, (&numbering.at(start), format), rows, differences)?);
            group.clear();
        }
        // In JSON all rows of a match stand on one line.
        if !is_same || format != ResultFormat::Json {
            let at = numbering.next(&line.cells, &[&line.pass]);
            start = if is_same { start } else { at };
        }
        group.push(line);
    }
    found.extend(matched(&mut number, &group, (&numbering.at(start), format), rows, differences)?);
    Ok(found)
}

/// A match from its lines; `None` where they name what does not exist.
fn matched<'l>(
    number: &mut u64,
    lines: &'l [MatchLine],
    (at, format): (&At<'_>, ResultFormat),
    rows: &mut Rows<'_>,
    differences: &mut Differences,
) -> Result<Option<Match>> {
    let Some(first) = lines.first() else { return Ok(None) };
    *number += 1;
    if first.number != *number {
        differences.add(format!("match {} stands where match {number} belongs", first.number));
        *number = first.number;
    }
    let mut entries = [Entries::new(), Entries::new()];
    for line in lines {
        let place = Place::Match(line.number);
        let entry = rows.see((line.side, line.row), place, (format, &line.cells), differences);
        entries[line.side as usize].extend(entry);
        let says = |line: &'l MatchLine| (&line.pass, line.status, line.ambiguity, &line.variance);
        if says(line) != says(first) {
            differences
                .add(format!("match {} says of {} row {} something else", line.number, line.side, line.row));
        }
    }
    let [left, right] = &entries;
    let mut passes = (0..).zip(&rows.rules.passes);
    let Some((pass, rule)) = passes.find(|(_, pass)| as_written(format, &pass.name) == first.pass) else {
        differences.add(format!("match {number}: the rules have no pass `{}`", first.pass));
        return Ok(None);
    };
    let ([left_entry], [right_entry]) = (left.as_slice(), right.as_slice()) else {
        let (left, right, cardinality) = (left.len(), right.len(), rule.cardinality);
        differences.add(format!(
            "{at}, match {number}: pass `{}` is {cardinality}, and it has {left} left and {right} right rows; each \
             match here is a pair",
            first.pass
        ));
        return Ok(None);
    };
    let pair = [*left_entry, *right_entry];
    satisfies((pass, first), pair, at, rows, differences)?;
    let (variance, ambiguity) = measured((pass, first), pair, rows, differences)?;
    let [left, right] = entries;
    Ok(Some(Match { pass, status: first.status, ambiguity, left, right, variance }))
}

/// Whether a pair is what its pass takes.
fn satisfies(
    (pass, line): (u16, &MatchLine),
    entries: [u32; 2],
    at: &At<'_>,
    rows: &mut Rows<'_>,
    differences: &mut Differences,
) -> Result<()> {
    let failed = rows.checker.failed(pass, entries)?;
    let (number, name) = (line.number, rows.pass_name(pass));
    if !failed.is_empty() {
        let failed = told(rows, pass, &failed, entries);
        differences.add(format!("{at}, match {number}: pass `{name}`: {failed}"));
    }
    let forbids = |pass: &Pass| pass.ambiguous == Ambiguous::Forbid;
    if line.ambiguity > 0 && rows.rules.passes.get(usize::from(pass)).is_some_and(forbids) {
        let ambiguity = line.ambiguity;
        differences.add(format!(
            "{at}, match {number}: pass `{name}` forbids ambiguity, and {ambiguity} others could take its place"
        ));
    }
    Ok(())
}

/// What follows from the entries of a match and from its pass, held against what it says.
fn measured(
    (pass, line): (u16, &MatchLine),
    entries: [u32; 2],
    rows: &Rows<'_>,
    differences: &mut Differences,
) -> Result<(Variance, u32)> {
    let number = line.number;
    let ambiguity = u32::try_from(line.ambiguity).unwrap_or(u32::MAX);
    let tables = [&rows.mapped.left, &rows.mapped.right];
    let variance = recon_engine::variance(rows.rules, tables, &rows.mapped.texts, entries)?;
    let status = recon_engine::status(rows.rules, pass, ambiguity)?;
    let amount = variance.amount.map(|units| rows.amount(units));
    if (&amount, variance.days) != (&line.variance.amount, line.variance.days) {
        let words = |amount: &Option<String>, days: Option<i32>| {
            let days = days.map_or_else(|| "none".to_owned(), |days| days.to_string());
            format!("{} and {days} days", amount.as_deref().unwrap_or("none"))
        };
        let there = words(&line.variance.amount, line.variance.days);
        let measured = words(&amount, variance.days);
        differences.add(format!("match {number}: the variance is {there}, right minus left {measured}"));
    }
    if status != line.status {
        differences.add(format!("match {number} is {}, by its pass and ambiguity {status}", line.status));
    }
    Ok((variance, ambiguity))
}
