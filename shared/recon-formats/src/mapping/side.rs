//! The rows of one side, column by column.

use recon_domain::{AMOUNT, CURRENCY, Currency, ReadOptions, Role, RuleSet, Side, Source};
use recon_engine::{Column, Interner, Table, TextId};

use super::Rejection;
use super::amounts::Amounts;
use super::decide::{Plan, RolePlan, is_absent};
use super::reading::{self, Days, Numbers};
use super::texts::{Currencies, Empties, Preparer, is_prepared};
use crate::profile::is_empty;
use crate::{TextBatch, TextColumn};

/// Turns batches into a table.
pub(super) struct SideMapper<'a> {
    roles: Vec<RoleMapper<'a>>,
    columns: &'a [String],
    null_values: &'a [String],
    fallback: Currency,
    /// The index of the currency's role.
    currency_role: Option<usize>,
    table: Table,
    rejections: Vec<Rejection>,
}

/// How one role gets its cells.
struct RoleMapper<'a> {
    role: &'a Role,
    side: usize,
    /// Indices of the columns in a batch: none, one, or debit and credit.
    sources: Vec<usize>,
    kind: Kind<'a>,
}

enum Kind<'a> {
    Number { numbers: Numbers, is_amount: bool },
    Day(Days),
    Instant(Option<&'a str>),
    Text(Preparer),
    Currency(Currencies),
}

/// Rows of the batch that cannot become entries, with the first thing that is wrong with each.
#[derive(Default)]
pub(super) struct Faults {
    bad: Vec<bool>,
    list: Vec<(usize, usize, String)>,
}

impl Faults {
    pub(super) fn add(&mut self, row: usize, column: usize, reason: String) {
        if let Some(bad @ false) = self.bad.get_mut(row) {
            *bad = true;
            self.list.push((row, column, reason));
        }
    }
}

impl<'a> SideMapper<'a> {
    pub(super) fn new(
        rules: &'a RuleSet,
        side: Side,
        plan: &'a Plan,
        columns: &'a [String],
        options: &'a ReadOptions,
    ) -> Self {
        let side = side as usize;
        let place = |name: &str| columns.iter().position(|column| column == name);
        let roles: Vec<_> = rules
            .roles
            .iter()
            .zip(&plan.roles)
            .map(|(role, plan)| RoleMapper {
                role,
                side,
                sources: role.sources[side].columns().filter_map(place).collect(),
                kind: Kind::new(plan, role),
            })
            .collect();
        let table = Table {
            columns: roles.iter().map(RoleMapper::column).collect(),
            currencies: Vec::new(),
            rows: Vec::new(),
            contents: Vec::new(),
            rejected: 0,
        };
        let currency_role = rules.roles.iter().position(|role| role.name == CURRENCY);
        let (null_values, fallback) = (options.null_values.as_slice(), plan.currency);
        Self { roles, columns, null_values, fallback, currency_role, table, rejections: Vec::new() }
    }

    /// Takes the rows of a batch.
    pub(super) fn push(&mut self, batch: &TextBatch, texts: &mut Interner) {
        let start = self.table.len();
        let mut faults = Faults { bad: vec![false; batch.len()], list: Vec::new() };
        // Amounts are checked against their row's currency.
        if let Some(index) = self.currency_role {
            let empties = Empties { null_values: self.null_values, fallback: self.fallback };
            self.roles[index].currencies(batch, &empties, &mut self.table, index, texts, &mut faults);
        } else {
            self.table.currencies.resize(start + batch.len(), self.fallback);
        }
        for (index, role) in
            self.roles.iter_mut().enumerate().filter(|(index, _)| Some(*index) != self.currency_role)
        {
            let currencies = &self.table.currencies[start..];
            role.push(
                batch,
                self.null_values,
                currencies,
                &mut self.table.columns[index],
                texts,
                &mut faults,
            );
        }
        self.table.rows.extend_from_slice(&batch.rows);
        self.table.contents.extend_from_slice(&batch.contents);
        self.reject(batch, start, faults);
    }

    fn reject(&mut self, batch: &TextBatch, start: usize, faults: Faults) {
        if faults.list.is_empty() && batch.rejected.is_empty() {
            return;
        }
        let from = self.rejections.len();
        for (row, column, reason) in faults.list {
            let cells = self.columns.iter().zip(&batch.columns);
            self.rejections.push(Rejection {
                row: batch.rows[row],
                line: batch.lines[row],
                column: self.columns.get(column).cloned(),
                reason,
                values: cells.map(|(name, column)| (name.clone(), column.get(row).to_owned())).collect(),
            });
        }
        for row in &batch.rejected {
            let (row, line, reason) = (row.row, row.line, row.reason.clone());
            self.rejections.push(Rejection { row, line, column: None, reason, values: Vec::new() });
        }
        self.rejections[from..].sort_by_key(|rejection| rejection.row);
        drop_bad(&mut self.table, start, &faults.bad);
    }

    /// The table and what did not come into it, in file order.
    pub(super) fn finish(mut self) -> (Table, Vec<Rejection>) {
        self.table.rejected = self.rejections.len() as u64;
        (self.table, self.rejections)
    }
}

fn drop_bad(table: &mut Table, start: usize, bad: &[bool]) {
    fn keep<T: Copy>(values: &mut Vec<T>, start: usize, bad: &[bool]) {
        let mut kept = start;
        for (offset, bad) in bad.iter().enumerate() {
            if !bad {
                values[kept] = values[start + offset];
                kept += 1;
            }
        }
        values.truncate(kept);
    }
    if !bad.contains(&true) {
        return;
    }
    for column in &mut table.columns {
        match column {
            Column::Number { units, .. } => keep(units, start, bad),
            Column::Day(days) => keep(days, start, bad),
            Column::Instant(micros) => keep(micros, start, bad),
            Column::Text { ids, shown } => {
                keep(ids, start, bad);
                shown.iter_mut().for_each(|shown| keep(shown, start, bad));
            }
        }
    }
    keep(&mut table.currencies, start, bad);
    keep(&mut table.rows, start, bad);
    keep(&mut table.contents, start, bad);
}

impl<'a> Kind<'a> {
    fn new(plan: &'a RolePlan, role: &Role) -> Self {
        match plan {
            RolePlan::Number { marks, scale } => Self::Number {
                numbers: Numbers { marks: *marks, scale: *scale },
                is_amount: role.name == AMOUNT,
            },
            RolePlan::Day(plan) => Self::Day(Days::new(plan.clone())),
            RolePlan::Instant(format) => Self::Instant(format.as_deref()),
            RolePlan::Text => Self::Text(Preparer::default()),
            RolePlan::Currency => Self::Currency(Currencies::default()),
        }
    }
}

impl RoleMapper<'_> {
    /// The role's column without cells.
    fn column(&self) -> Column {
        match &self.kind {
            Kind::Number { numbers, .. } => Column::Number { units: Vec::new(), scale: numbers.scale },
            Kind::Day(_) => Column::Day(Vec::new()),
            Kind::Instant(_) => Column::Instant(Vec::new()),
            Kind::Text(_) => Column::Text { ids: Vec::new(), shown: is_prepared(self.role).then(Vec::new) },
            Kind::Currency(_) => Column::Text { ids: Vec::new(), shown: None },
        }
    }

    fn push(
        &mut self,
        batch: &TextBatch,
        null_values: &[String],
        currencies: &[Currency],
        column: &mut Column,
        texts: &mut Interner,
        faults: &mut Faults,
    ) {
        let Some(source) = self.sources.first().copied() else { return fill(column, batch.len()) };
        let cells = &batch.columns[source];
        match (&mut self.kind, column) {
            (Kind::Number { numbers, is_amount }, Column::Number { units, .. }) => {
                let mut reader = Amounts {
                    numbers: *numbers,
                    required: is_amount.then_some(currencies),
                    null_values,
                    negate: self.role.negate[self.side],
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
            (Kind::Instant(format), Column::Instant(micros)) => {
                let format = *format;
                each(cells, source, null_values, faults, Column::EMPTY_MICROS, micros, |cell| {
                    reading::instant(cell, format)
                });
            }
            (Kind::Text(preparer), Column::Text { ids, shown }) => {
                preparer.push(self.role, cells, null_values, ids, shown.as_mut(), texts);
            }
            (_, column) => fill(column, batch.len()),
        }
    }

    /// Reads the currency of each row, into the table's currencies and the role's own column.
    fn currencies(
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
