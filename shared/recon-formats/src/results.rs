//! Results to files, in canonical order.

mod body;
mod cells;
mod csv;
mod json;
pub mod matches_parquet;
mod rejected;

use recon_domain::{AMOUNT, CURRENCY, RuleSet, Side};
use recon_engine::{Column, Interner, Outcome, Table};

pub use body::BreakBody;
use cells::{Cell, Scratch};
pub use rejected::write_rejected_csv;

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

/// What is shown of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// The cell of a role.
    Role(usize),
    /// The currency of an amount, where no column says it.
    Currency,
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

    /// The names and places of what is shown of a row on the wire: the roles, and a currency beside an
    /// amount.
    fn shown(&self) -> Vec<(&'a str, Shown)> {
        let roles =
            self.rules.roles.iter().enumerate().map(|(index, role)| (role.name.as_str(), Shown::Role(index)));
        let mut shown: Vec<_> = roles.collect();
        if self.rules.role(AMOUNT).is_some() && self.rules.role(CURRENCY).is_none() {
            shown.push((CURRENCY, Shown::Currency));
        }
        shown
    }

    fn cell<'s>(&'s self, side: Side, entry: u32, shown: Shown, scratch: &'s mut Scratch) -> Cell<'s> {
        let table = self.table(side);
        match shown {
            Shown::Role(role) => match table.columns.get(role) {
                Some(column) => scratch.cell(column, index(entry), self.texts),
                None => Cell::Empty,
            },
            Shown::Currency => {
                table.currencies.get(index(entry)).map_or(Cell::Empty, |code| Cell::Text(code.as_str()))
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
