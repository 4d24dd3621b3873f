//! The cells of one role.

use recon_domain::{AMOUNT, Role, Side, Source};
use recon_engine::{Column, Interner, Table, TextId};

use super::amounts::{Amounts, RowCurrencies};
use super::decide::{DatePlan, RolePlan, is_absent};
use super::reading::{self, Days, Numbers};
use super::side::Faults;
use super::texts::{Currencies, Empties, Preparer, is_prepared};
use crate::profile::is_empty;
use crate::{TextBatch, TextColumn};

/// How one role gets its cells.
pub(super) struct RoleMapper<'a> {
    role: &'a Role,
    side: usize,
    /// Indices of the columns in a batch: none, one, or debit and credit.
    sources: Vec<usize>,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Number { numbers: Numbers, unsigned: [bool; 2], is_amount: bool },
    Day(Days),
    Instant(&'a DatePlan),
    Text(Preparer),
    Currency(Currencies),
}

impl<'a> Kind<'a> {
    fn new(plan: &'a RolePlan, role: &Role) -> Self {
        match plan {
            RolePlan::Number { marks, scale, unsigned } => Self::Number {
                numbers: Numbers { marks: *marks, scale: *scale },
                unsigned: *unsigned,
                is_amount: role.name == AMOUNT,
            },
            RolePlan::Day(plan) => Self::Day(Days::new(plan.clone())),
            RolePlan::Instant(plan) => Self::Instant(plan),
            RolePlan::Text => Self::Text(Preparer::default()),
            RolePlan::Currency => Self::Currency(Currencies::default()),
        }
    }
}

impl<'a> RoleMapper<'a> {
    /// `columns` are those of a batch.
    pub(super) fn new(role: &'a Role, plan: &'a RolePlan, side: Side, columns: &[String]) -> Self {
        let place = |name: &str| columns.iter().position(|column| column == name);
        let side = side as usize;
        let sources = role.sources[side].columns().filter_map(place).collect();
        Self { role, side, sources, kind: Kind::new(plan, role) }
    }

    /// The role's column without cells.
    pub(super) fn column(&self) -> Column {
        match &self.kind {
            Kind::Number { numbers, .. } => Column::Number { units: Vec::new(), scale: numbers.scale },
            Kind::Day(_) => Column::Day(Vec::new()),
            Kind::Instant(_) => Column::Instant(Vec::new()),
            Kind::Text(_) => Column::Text { ids: Vec::new(), shown: is_prepared(self.role).then(Vec::new) },
            Kind::Currency(_) => Column::Text { ids: Vec::new(), shown: None },
        }
    }

    pub(super) fn push(
        &mut self,
        batch: &TextBatch,
        null_values: &[String],
        currencies: RowCurrencies<'_>,
        column: &mut Column,
        texts: &mut Interner,
        faults: &mut Faults,
    ) {
        let Some(source) = self.sources.first().copied() else { return fill(column, batch.len()) };
        let cells = &batch.columns[source];
        match (&mut self.kind, column) {
            (Kind::Number { numbers, unsigned, is_amount }, Column::Number { units, .. }) => {
                let mut reader = Amounts {
                    numbers: *numbers,
                    required: is_amount.then_some(currencies),
                    null_values,
                    negate: self.role.negate[self.side],
                    unsigned: *unsigned,
                };
                match (&self.role.sources[self.side], self.sources.as_slice()) {
                    (Source::DebitCredit { .. }, [debit, credit]) => {
                        reader.pairs(batch, *debit, *credit, units, faults);
                    }
                    (_, _) => reader.single(cells, source, units, faults),
                }
            }
            (Kind::Day(days), Column::Day(numbers)) => {
                each(cells, source, null_values, faults, Column::EMPTY_DAY, numbers, |cell| days.read(cell));
            }
            (Kind::Instant(plan), Column::Instant(micros)) => {
                each(cells, source, null_values, faults, Column::EMPTY_MICROS, micros, |cell| {
                    reading::instant(cell, plan)
                });
            }
            (Kind::Text(preparer), Column::Text { ids, shown }) => {
                preparer.push(self.role, cells, null_values, ids, shown.as_mut(), texts);
            }
            (_, column) => fill(column, batch.len()),
        }
    }

    /// Reads the currency of each row, into the table's currencies and the role's own column.
    pub(super) fn currencies(
        &mut self,
        batch: &TextBatch,
        empties: &Empties<'_>,
        table: &mut Table,
        index: usize,
        texts: &mut Interner,
        faults: &mut Faults,
    ) {
        let Kind::Currency(currencies) = &mut self.kind else { return };
        let Column::Text { ids, .. } = &mut table.columns[index] else { return };
        let absent = is_absent(self.role, self.side);
        let source = self.sources.first().copied().filter(|_| !absent);
        for row in 0..batch.len() {
            let cell = source.map_or("", |source| batch.columns[source].get(row));
            let (currency, id) = match currencies.read(self.role, cell, empties, texts) {
                Ok(found) => found,
                Err(reason) => {
                    faults.add(row, source.unwrap_or(usize::MAX), reason);
                    (empties.fallback, TextId::EMPTY)
                }
            };
            table.currencies.push(currency);
            ids.push(id);
        }
    }
}

/// Cells for rows of a role that has no source.
fn fill(column: &mut Column, rows: usize) {
    fn more<T: Clone>(values: &mut Vec<T>, rows: usize, value: T) {
        values.resize(values.len() + rows, value);
    }
    match column {
        Column::Number { units, .. } => more(units, rows, Column::EMPTY_NUMBER),
        Column::Day(days) => more(days, rows, Column::EMPTY_DAY),
        Column::Instant(micros) => more(micros, rows, Column::EMPTY_MICROS),
        Column::Text { ids, shown } => {
            more(ids, rows, TextId::EMPTY);
            shown.iter_mut().for_each(|shown| more(shown, rows, TextId::EMPTY));
        }
    }
}

fn each<T: Copy>(
    cells: &TextColumn,
    source: usize,
    null_values: &[String],
    faults: &mut Faults,
    empty: T,
    values: &mut Vec<T>,
    mut read: impl FnMut(&str) -> Result<T, String>,
) {
    for (row, cell) in cells.iter().enumerate() {
        let value = if is_empty(cell, null_values) { Ok(empty) } else { read(cell) };
        values.push(value.unwrap_or_else(|reason| {
            faults.add(row, source, reason);
            empty
        }));
    }
}
