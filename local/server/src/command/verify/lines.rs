//! The lines of result files, held against the rows that they name.

use std::collections::BTreeMap;
use std::path::Path;

use recon_domain::{BreakKind, Decimal, Side, Variance};
use recon_engine::{Break, Entries, Match};
use recon_formats::rejections_parquet::Rejected;
use recon_formats::results::ResultFormat;
use recon_formats::results::read::{self, Error, Lines, MatchLine, as_written};

use super::differences::Differences;
use super::rows::{Place, Rows};

/// Reads the matches, and says what is wrong with them.
pub(super) fn matches(
    folder: &Path,
    rows: &mut Rows<'_>,
    differences: &mut Differences,
) -> Result<Vec<Match>, Error> {
    let mut lines = read::matches(folder)?;
    let format = lines.format();
    let (mut found, mut group): (Vec<Match>, Vec<MatchLine>) = (Vec::new(), Vec::new());
    let mut number = 0;
    while let Some(line) = next(&mut lines, differences)? {
        if group.first().is_some_and(|first| first.number != line.number) {
            found.extend(matched(&mut number, &group, format, rows, differences));
            group.clear();
        }
        group.push(line);
    }
    found.extend(matched(&mut number, &group, format, rows, differences));
    Ok(found)
}

/// Reads the breaks, and says what is wrong with them.
pub(super) fn breaks(
    folder: &Path,
    rows: &mut Rows<'_>,
    differences: &mut Differences,
) -> Result<Vec<Break>, Error> {
    let mut lines = read::breaks(folder)?;
    let format = lines.format();
    let (mut found, mut nearest): (Vec<Break>, Vec<(Side, u64, u64)>) = (Vec::new(), Vec::new());
    let mut before = None;
    while let Some(line) = next(&mut lines, differences)? {
        let place = (line.side, line.row);
        if before.replace(place).is_some_and(|before| before >= place) {
            differences.add(format!("{} row {} stands out of order among the breaks", line.side, line.row));
        }
        if let Some(row) = line.nearest_row {
            nearest.push((line.side, line.row, row));
        }
        let impossible = match line.side {
            Side::Left => BreakKind::MissingLeft,
            Side::Right => BreakKind::MissingRight,
        };
        if line.kind == impossible {
            differences.add(format!("{} row {} cannot be `{}`", line.side, line.row, line.kind));
        }
        if let Some(entry) = rows.see(place, Place::Break, (format, &line.cells), differences) {
            found.push(Break { side: line.side, entry, kind: line.kind, nearest: None, twin: None });
        }
    }
    for (side, row, nearest) in nearest {
        let other = side.other();
        if rows.entry(other, nearest).map(|entry| rows.place(other, entry)) != Some(Place::Break) {
            differences.add(format!("{side} row {row}: its nearest, {other} row {nearest}, is no break"));
        }
    }
    Ok(found)
}

/// Reads the rejected rows, and holds them against those of the inputs.
pub(super) fn rejected(folder: &Path, rows: &Rows<'_>, differences: &mut Differences) -> Result<u64, Error> {
    let mut lines = read::rejected(folder)?;
    let format = lines.format();
    let sides = [Side::Left, Side::Right].into_iter().zip(&rows.mapped.rejections);
    let wanted = sides.flat_map(|(side, rejections)| {
        let rejected = rejections.iter().map(move |rejection| Rejected::of_run(side, rejection.clone()));
        rejected.map(move |rejected| ((side, rejected.row), rejected))
    });
    let mut wanted: BTreeMap<(Side, u64), Rejected> = wanted.collect();
    let mut count = 0;
    while let Some(line) = next(&mut lines, differences)? {
        count += 1;
        let Some(side) = line.side else {
            differences.add(format!("rejected row {} has no side", line.row));
            continue;
        };
        match wanted.remove(&(side, line.row)) {
            None => differences.add(format!(
                "{side} row {} stands among the rejected rows once too often, or can be read",
                line.row
            )),
            Some(rejected) if is_written(format, &rejected, &line) => {}
            Some(_) => differences.add(format!("{side} row {} is rejected otherwise than it says", line.row)),
        }
    }
    for (side, row) in wanted.keys() {
        differences.add(format!("{side} row {row} cannot be read, and stands among no rejected rows"));
    }
    Ok(count)
}

/// The next line. One that no run writes is a difference, and the last that is read: what follows may be anything. What
/// cannot be read at all is an error.
fn next<T>(lines: &mut Lines<T>, differences: &mut Differences) -> Result<Option<T>, Error> {
    match lines.next().transpose() {
        Err(error @ Error::Line { .. }) => {
            differences.add(error.to_string());
            Ok(None)
        }
        read => read,
    }
}

/// A match from its lines; `None` where they name what does not exist.
fn matched<'l>(
    number: &mut u64,
    lines: &'l [MatchLine],
    format: ResultFormat,
    rows: &mut Rows<'_>,
    differences: &mut Differences,
) -> Option<Match> {
    let first = lines.first()?;
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
    let ([left, right], pass) =
        (&entries, rows.rules.passes.iter().position(|pass| as_written(format, &pass.name) == first.pass));
    let Some(pass) = pass.and_then(|pass| u16::try_from(pass).ok()) else {
        differences.add(format!("match {number}: the rules have no pass `{}`", first.pass));
        return None;
    };
    let ([left_entry], [right_entry]) = (left.as_slice(), right.as_slice()) else {
        let (left, right) = (left.len(), right.len());
        differences
            .add(format!("match {number} has {left} left and {right} right rows; each match here is a pair"));
        return None;
    };
    let (variance, ambiguity) = measured((pass, first), [*left_entry, *right_entry], rows, differences)?;
    let [left, right] = entries;
    Some(Match { pass, status: first.status, ambiguity, left, right, variance })
}

/// What follows from the entries of a match and from its pass, held against what it says.
fn measured(
    (pass, line): (u16, &MatchLine),
    entries: [u32; 2],
    rows: &Rows<'_>,
    differences: &mut Differences,
) -> Option<(Variance, u32)> {
    let number = line.number;
    let ambiguity = u32::try_from(line.ambiguity).unwrap_or(u32::MAX);
    let tables = [&rows.mapped.left, &rows.mapped.right];
    let variance = recon_engine::variance(rows.rules, tables, &rows.mapped.texts, entries).ok()?;
    let status = recon_engine::status(rows.rules, pass, ambiguity).ok()?;
    let amount = variance.amount.map(|units| Decimal::units_text(units, rows.amount_scale()));
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
    Some((variance, ambiguity))
}

/// Whether a line of this format says this of a rejected row.
fn is_written(format: ResultFormat, wanted: &Rejected, line: &Rejected) -> bool {
    let written = |text: &Option<String>| {
        text.as_deref().filter(|text| !text.is_empty()).map(|text| as_written(format, text).into_owned())
    };
    let there = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    (wanted.line, &wanted.values) == (line.line, &line.values)
        && as_written(format, &wanted.reason) == line.reason
        && written(&wanted.column) == there(&line.column)
        && written(&wanted.raw) == there(&line.raw)
}
