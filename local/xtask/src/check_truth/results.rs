//! Reads what a run wrote: `matches.csv` and `breaks.csv` in long form, one line a row.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// Rows of one side or the other, left first.
pub(super) const SIDES: [&str; 2] = ["left", "right"];

/// A match with its rows.
#[derive(Debug, Default)]
pub(super) struct Match {
    number: String,
    /// Whether it stands by itself.
    pub(super) confirmed: bool,
    /// Its left and its right rows.
    pub(super) rows: [Vec<u32>; 2],
}

/// A row that was left over.
#[derive(Debug)]
pub(super) struct Break {
    /// The index of its side in [`SIDES`].
    pub(super) side: usize,
    /// The row.
    pub(super) row: u32,
    /// Why it was left over.
    pub(super) kind: String,
}

/// What became of every row.
#[derive(Debug, Default)]
pub(super) struct Results {
    pub(super) matches: Vec<Match>,
    pub(super) breaks: Vec<Break>,
}

pub(super) fn read(matches: &Path, breaks: &Path) -> Result<Results> {
    let mut results = Results::default();
    each_line(matches, ["match", "status", "side", "row"], |[number, status, side, row]| {
        let (side, row) = place(side, row)?;
        let confirmed = match status {
            "confirmed" => true,
            "suggested" => false,
            other => bail!("unknown status {other:?}"),
        };
        // The lines of a match stand together.
        if results.matches.last().is_none_or(|last| last.number != number) {
            results.matches.push(Match { number: number.to_owned(), confirmed, ..Match::default() });
        }
        if let Some(last) = results.matches.last_mut() {
            last.rows[side].push(row);
        }
        Ok(())
    })?;
    each_line(breaks, ["side", "row", "kind"], |[side, row, kind]| {
        let (side, row) = place(side, row)?;
        results.breaks.push(Break { side, row, kind: kind.to_owned() });
        Ok(())
    })?;
    Ok(results)
}

fn place(side: &str, row: &str) -> Result<(usize, u32)> {
    let side =
        SIDES.iter().position(|name| *name == side).with_context(|| format!("unknown side {side:?}"))?;
    let row = row.parse().with_context(|| format!("{row:?} is no row number"))?;
    Ok((side, row))
}

/// Calls `take` with the named cells of each line.
fn each_line<const N: usize>(
    path: &Path,
    names: [&str; N],
    mut take: impl FnMut([&str; N]) -> Result<()>,
) -> Result<()> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("open {}", path.display()))?;
    let header = reader.headers()?.clone();
    let mut indexes = [0; N];
    for (index, name) in indexes.iter_mut().zip(names) {
        let found = header.iter().position(|column| column == name);
        *index = found.with_context(|| format!("{} has no column {name}", path.display()))?;
    }
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record)? {
        let line = record.position().map_or(0, csv::Position::line);
        let cells = indexes.map(|index| record.get(index).unwrap_or_default());
        take(cells).with_context(|| format!("{}, line {line}", path.display()))?;
    }
    Ok(())
}
