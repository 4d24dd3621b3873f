//! Result files in Parquet.

use std::sync::Arc;

use recon_contract::Variance;
use recon_domain::Side;

use super::super::breaks_parquet;
use super::super::cells::Scratch;
use super::super::columns::ResultColumn;
use super::super::matches_parquet::{self, LinesMatch};
use super::super::view::MatchView as _;
use super::{Boxed, BreakLine, Cells, Error, Found, MatchLine};
use crate::rejections_parquet::{self, Rejected};

pub(super) fn matches(found: &Found) -> Result<Boxed<MatchLine>, Error> {
    let reader = matches_parquet::Reader::open(found.open()?).map_err(|error| found.unreadable(error))?;
    let columns = reader.columns().map_err(|error| found.unreadable(error))?;
    let (names, mut scratch) = (names(columns), Scratch::new());
    let found = Found { path: found.path.clone(), format: found.format };
    let groups = (0..reader.groups()).flat_map(move |index| match reader.group(index) {
        Ok(lines) => {
            let lines = lines.matches().flat_map(|one| match_lines(&one, &names, &mut scratch));
            lines.map(Ok).collect()
        }
        Err(error) => vec![Err(found.unreadable(error))],
    });
    Ok(Box::new(groups))
}

fn match_lines(found: &LinesMatch<'_>, names: &Arc<[String]>, scratch: &mut Scratch) -> Vec<MatchLine> {
    let amount = scratch.cell(found.amount_variance()).as_str().map(str::to_owned);
    let variance = Variance { amount, days: found.days_variance() };
    let sides = [Side::Left, Side::Right].into_iter();
    let places = sides.flat_map(|side| (0..found.rows(side)).map(move |at| (side, at)));
    let line = |(side, at)| MatchLine {
        number: found.number(),
        pass: found.pass().to_owned(),
        status: found.match_status(),
        ambiguity: found.ambiguity(),
        side,
        row: found.row(side, at),
        cells: Cells::new(
            names.clone(),
            (0..names.len())
                .map(|column| scratch.cell(found.datum(side, at, column)).as_str().map(str::to_owned))
                .collect(),
        ),
        variance: variance.clone(),
    };
    places.map(line).collect()
}

pub(super) fn breaks(found: &Found) -> Result<Boxed<BreakLine>, Error> {
    let reader = breaks_parquet::Reader::open(found.open()?).map_err(|error| found.unreadable(error))?;
    let (groups, names, mut scratch) = (reader.groups(), names(reader.columns()), Scratch::new());
    let found = Found { path: found.path.clone(), format: found.format };
    let read = move |index| match reader.group(index, &names, &mut scratch) {
        Ok(lines) => lines.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(found.unreadable(error))],
    };
    Ok(Box::new((0..groups).flat_map(read)))
}

pub(super) fn rejected(found: &Found) -> Result<Boxed<Rejected>, Error> {
    let reader = rejections_parquet::Reader::open(found.open()?).map_err(|error| found.unreadable(error))?;
    let found = Found { path: found.path.clone(), format: found.format };
    let rows = reader.rows(0, None).map(move |row| match row {
        Ok((_, rejected)) => Ok(rejected),
        Err(error) => Err(found.unreadable(error)),
    });
    Ok(Box::new(rows))
}

fn names(columns: &[ResultColumn]) -> Arc<[String]> {
    columns.iter().map(|column| column.name.clone()).collect()
}
