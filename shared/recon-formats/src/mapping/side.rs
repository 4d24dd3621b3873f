//! The rows of one side, column by column.

use recon_domain::{CURRENCY, Currency, ReadOptions, RuleSet, Side};
use recon_engine::{Column, Interner, Table, TextId};

use super::Rejection;
use super::amounts::RowCurrencies;
use super::decide::Plan;
use super::role::RoleMapper;
use super::texts::Empties;
use crate::TextBatch;

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
        let mapper = |(role, plan)| RoleMapper::new(role, plan, side, columns);
        let roles: Vec<_> = rules.roles.iter().zip(&plan.roles).map(mapper).collect();
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
        let mut adopted = false;
        for (index, role) in
            self.roles.iter_mut().enumerate().filter(|(index, _)| Some(*index) != self.currency_role)
        {
            let of_rows = &mut self.table.currencies[start..];
            role.push(
                batch,
                self.null_values,
                RowCurrencies { of_rows, adopted: &mut adopted },
                &mut self.table.columns[index],
                texts,
                &mut faults,
            );
        }
        if adopted {
            self.adopt(start, texts);
        }
        self.table.rows.extend_from_slice(&batch.rows);
        self.table.contents.extend_from_slice(&batch.contents);
        self.reject(batch, start, faults);
    }

    /// Shows the currencies that came from amounts in the currency's own column too.
    fn adopt(&mut self, start: usize, texts: &mut Interner) {
        let Some(index) = self.currency_role else { return };
        let Column::Text { ids, .. } = &mut self.table.columns[index] else { return };
        let mut last = (Currency::NONE, TextId::EMPTY);
        for (id, currency) in ids.iter_mut().zip(&self.table.currencies).skip(start) {
            if last.0 != *currency || last.1 == TextId::EMPTY {
                last = (*currency, texts.intern(currency.as_str()));
            }
            *id = last.1;
        }
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
                raw: None,
            });
        }
        for row in &batch.rejected {
            let (row, line, reason, raw) = (row.row, row.line, row.reason.clone(), row.raw.clone());
            self.rejections.push(Rejection { row, line, column: None, reason, values: Vec::new(), raw });
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
