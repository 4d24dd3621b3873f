//! Results to files and back, in canonical order.

mod body;
mod breaks;
mod breaks_parquet;
mod cells;
mod columns;
mod csv;
mod error;
mod json;
mod long_parquet;
mod matches;
pub mod matches_parquet;
pub mod read;
mod rejected;
mod view;

pub use recon_contract::ResultFormat;
use recon_domain::{RuleSet, Side};
use recon_engine::{Column, Interner, Outcome, Table};

pub use body::BreakBody;
pub use breaks::{BreaksWriter, Unreadable};
use cells::Datum;
pub use columns::{Kind, ResultColumn};
pub use error::Error;
pub use matches::write_stored_matches;
pub use rejected::{RejectedWriter, write_stored_rejections};

/// Bytes that are gathered before they are written.
const WRITE_BYTES: usize = 256 * 1024;

/// A run's result with what it takes to show it.
#[derive(Debug, Clone, Copy)]
pub struct Results<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// The left entries.
    pub left: &'a Table,
    /// The right entries.
    pub right: &'a Table,
    /// The texts of both.
    pub texts: &'a Interner,
    /// What became of them.
    pub outcome: &'a Outcome,
}

impl<'a> Results<'a> {
    fn table(&self, side: Side) -> &'a Table {
        match side {
            Side::Left => self.left,
            Side::Right => self.right,
        }
    }

    /// The row of an entry in its file; 0 where there is no such entry.
    fn row(&self, side: Side, entry: u32) -> u32 {
        self.table(side).rows.get(index(entry)).copied().unwrap_or(0)
    }

    /// The cell of an entry in one of the [`columns`](Self::columns).
    fn datum(&self, side: Side, entry: u32, column: usize) -> Datum<'a> {
        let table = self.table(side);
        match table.columns.get(column) {
            Some(column) => Datum::of(column, index(entry), self.texts),
            None => {
                table.currencies.get(index(entry)).map_or(Datum::Empty, |code| Datum::Text(code.as_str()))
            }
        }
    }

    /// Touches the cells of these entries, which lie anywhere in the file, so that they come from memory together
    /// and not one after the other when they are written.
    fn fetch(&self, side: Side, entries: impl Iterator<Item = u32> + Clone) {
        let table = self.table(side);
        for column in &table.columns {
            match column {
                Column::Number { units, .. } => touch(units, entries.clone()),
                Column::Day(days) => touch(days, entries.clone()),
                Column::Instant(micros) => touch(micros, entries.clone()),
                Column::Text { ids, shown } => touch(shown.as_ref().unwrap_or(ids), entries.clone()),
            }
        }
        touch(&table.rows, entries);
    }

    /// Digits after the point of amounts.
    fn amount_scale(&self) -> u8 {
        self.outcome.summary.amount_scale
    }

    fn pass_name(&self, pass: u16) -> &'a str {
        self.rules.passes.get(usize::from(pass)).map_or("", |pass| pass.name.as_str())
    }
}

fn touch<T: Copy>(cells: &[T], entries: impl Iterator<Item = u32>) {
    for entry in entries {
        std::hint::black_box(cells.get(index(entry)).copied());
    }
}

fn index(entry: u32) -> usize {
    usize::try_from(entry).unwrap_or(usize::MAX)
}
