//! The lines of result files, held against the rows that they name.

use std::collections::BTreeMap;
use std::path::Path;

use recon_domain::Side;
use recon_formats::rejections_parquet::Rejected;
use recon_formats::results::ResultFormat;
use recon_formats::results::read::{self, Error, Lines, as_written};

use super::differences::Differences;
use super::rows::Rows;

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
pub(super) fn next<T>(lines: &mut Lines<T>, differences: &mut Differences) -> Result<Option<T>, Error> {
    match lines.next().transpose() {
        Err(error @ Error::Line { .. }) => {
            differences.add(error.to_string());
            Ok(None)
        }
        read => read,
    }
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
