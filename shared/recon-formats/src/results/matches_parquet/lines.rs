//! Lines of stored matches, by columns.

use std::ops::Range;

use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::file::reader::RowGroupReader;
use recon_contract::{RowValues, Values, Variance};
use recon_domain::{MatchStatus, Side};
use serde_json::Value;

use super::super::cells::{Datum, Scratch};
use super::super::columns::ResultColumn;
use super::super::long_parquet::{CellsRead, pick, pick_all};
use super::super::view::MatchView;
use super::{Error, LEADING, StoredMatch};

/// Lines of one row group, whole matches one after the other.
pub(in crate::results) struct Lines {
    numbers: Vec<i64>,
    passes: Vec<ByteArray>,
    statuses: Vec<MatchStatus>,
    ambiguities: Vec<i64>,
    sides: Vec<Side>,
    rows: Vec<i64>,
    cells: Vec<CellsRead>,
    amounts: CellsRead,
    days: Vec<Option<i32>>,
}

/// A match among lines.
pub(in crate::results) struct LinesMatch<'a> {
    lines: &'a Lines,
    /// Where its left and its right lines begin, and where it ends.
    left: usize,
    right: usize,
    end: usize,
}

impl Lines {
    /// Reads these lines, with so many columns between the leading and the trailing ones.
    pub(super) fn read(
        group: &dyn RowGroupReader,
        columns: usize,
        lines: &[Range<usize>],
    ) -> Result<Self, Error> {
        let texts = |column| pick_all::<ByteArrayType>(group, column, lines);
        let numbers = |column| pick_all::<Int64Type>(group, column, lines);
        let cells = |column| CellsRead::read(group, column, lines);
        let (first, last) = (LEADING.len(), LEADING.len() + columns);
        let statuses = texts(2)?.iter().map(status).collect::<Result<_, _>>()?;
        let sides = texts(4)?.iter().map(|word| parsed(word, "known side")).collect::<Result<_, _>>()?;
        Ok(Self {
            numbers: numbers(0)?,
            passes: texts(1)?,
            statuses,
            ambiguities: numbers(3)?,
            sides,
            rows: numbers(5)?,
            cells: (first..last).map(cells).collect::<Result<_, _>>()?,
            amounts: cells(last)?,
            days: pick::<Int32Type>(group, last + 1, lines)?,
        })
    }

    /// The matches, in order.
    pub(in crate::results) fn matches(&self) -> impl Iterator<Item = LinesMatch<'_>> {
        let mut start = 0;
        self.numbers.chunk_by(PartialEq::eq).map(move |run| {
            let (left, end) = (start, start + run.len());
            start = end;
            let lefts = self.sides[left..end].iter().take_while(|side| **side == Side::Left).count();
            LinesMatch { lines: self, left, right: left + lefts, end }
        })
    }
}

/// Reads a status.
pub(super) fn status(word: &ByteArray) -> Result<MatchStatus, Error> {
    parsed(word, "known status")
}

fn parsed<T: std::str::FromStr>(word: &ByteArray, what: &'static str) -> Result<T, Error> {
    let word = std::str::from_utf8(word.data()).ok().and_then(|word| word.parse().ok());
    word.ok_or(Error::Missing(what))
}

impl LinesMatch<'_> {
    fn line(&self, side: Side, at: usize) -> usize {
        match side {
            Side::Left => self.left + at,
            Side::Right => self.right + at,
        }
    }

    /// Whether a person must judge it.
    pub(in crate::results) fn match_status(&self) -> MatchStatus {
        self.lines.statuses[self.left]
    }

    /// The match with its cells as texts, by the names of these columns.
    pub(super) fn stored(&self, columns: &[ResultColumn], scratch: &mut Scratch) -> StoredMatch {
        let mut rows = |side| -> Vec<RowValues> {
            let row =
                |at| RowValues { row: self.row(side, at), values: self.values(side, at, columns, scratch) };
            (0..self.rows(side)).map(row).collect()
        };
        let (left, right) = (rows(Side::Left), rows(Side::Right));
        let amount = scratch.cell(self.amount_variance()).as_str().map(str::to_owned);
        StoredMatch {
            number: self.number(),
            pass: self.pass().to_owned(),
            status: self.match_status(),
            ambiguity: self.ambiguity(),
            left,
            right,
            variance: Variance { amount, days: self.days_variance() },
        }
    }

    fn values(&self, side: Side, at: usize, columns: &[ResultColumn], scratch: &mut Scratch) -> Values {
        let value = |(index, column): (usize, &ResultColumn)| {
            let text = scratch.cell(self.datum(side, at, index)).as_str();
            (column.name.clone(), text.map_or(Value::Null, Value::from))
        };
        columns.iter().enumerate().map(value).collect()
    }
}

impl MatchView for LinesMatch<'_> {
    fn number(&self) -> u64 {
        unsigned(self.lines.numbers[self.left])
    }

    fn pass(&self) -> &str {
        std::str::from_utf8(self.lines.passes[self.left].data()).unwrap_or("")
    }

    fn status(&self) -> &str {
        self.match_status().as_str()
    }

    fn ambiguity(&self) -> u64 {
        unsigned(self.lines.ambiguities[self.left])
    }

    fn rows(&self, side: Side) -> usize {
        match side {
            Side::Left => self.right - self.left,
            Side::Right => self.end - self.right,
        }
    }

    fn row(&self, side: Side, at: usize) -> u64 {
        self.lines.rows.get(self.line(side, at)).map_or(0, |row| unsigned(*row))
    }

    fn datum(&self, side: Side, at: usize, column: usize) -> Datum<'_> {
        let cells = self.lines.cells.get(column);
        cells.map_or(Datum::Empty, |cells| cells.datum(self.line(side, at)))
    }

    fn amount_variance(&self) -> Datum<'_> {
        self.lines.amounts.datum(self.left)
    }

    fn days_variance(&self) -> Option<i32> {
        self.lines.days.get(self.left).copied().flatten()
    }
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
