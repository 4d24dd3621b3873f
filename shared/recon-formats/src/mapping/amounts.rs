//! Numbers, from one column or from debits and credits.

use recon_domain::Currency;
use recon_engine::Column;

use super::reading::Numbers;
use super::side::Faults;
use crate::cell::number::Said;
use crate::profile::is_empty;
use crate::{TextBatch, TextColumn};

/// Numbers, from one column or from debits and credits.
pub(super) struct Amounts<'a> {
    pub(super) numbers: Numbers,
    /// For the role `amount`, which must not be empty: the rows' currencies.
    pub(super) required: Option<RowCurrencies<'a>>,
    pub(super) null_values: &'a [String],
    pub(super) negate: bool,
    /// Whether debits, and credits, are read without their signs.
    pub(super) unsigned: [bool; 2],
}

/// The currencies of a batch's rows, where a code or sign beside an amount can stand in for one that nothing else names.
pub(super) struct RowCurrencies<'a> {
    pub(super) of_rows: &'a mut [Currency],
    /// Whether a row got its currency from its amount.
    pub(super) adopted: &'a mut bool,
}

impl RowCurrencies<'_> {
    /// Holds what a cell says against the row's currency.
    fn settle(&mut self, row: usize, said: Said) -> Result<(), String> {
        let Some(currency) = self.of_rows.get_mut(row) else { return Ok(()) };
        if *currency == Currency::NONE {
            *self.adopted |= said.currency != Currency::NONE;
            *currency = said.currency;
        }
        if said.fits(*currency) {
            Ok(())
        } else {
            Err(format!("the cell says {said}, the row's currency is {currency}"))
        }
    }
}

impl Amounts<'_> {
    pub(super) fn single(
        &mut self,
        cells: &TextColumn,
        source: usize,
        units: &mut Vec<i128>,
        faults: &mut Faults,
    ) {
        for (row, cell) in cells.iter().enumerate() {
            let found = self.read(cell, row).and_then(|units| self.whole(units));
            units.push(self.settle(found, row, source, faults));
        }
    }

    pub(super) fn pairs(
        &mut self,
        batch: &TextBatch,
        debit: usize,
        credit: usize,
        units: &mut Vec<i128>,
        faults: &mut Faults,
    ) {
        let (debits, credits, unsigned) = (&batch.columns[debit], &batch.columns[credit], self.unsigned);
        for (row, (debit_cell, credit_cell)) in debits.iter().zip(credits.iter()).enumerate() {
            let mut source = debit;
            let found = self.read(debit_cell, row).and_then(|debited| {
                source = credit;
                let debited = if unsigned[0] { debited.map(i128::abs) } else { debited };
                let credited = self.read(credit_cell, row)?;
                let credited = if unsigned[1] { credited.map(i128::abs) } else { credited };
                match (debited, credited) {
                    (None, None) => {
                        source = debit;
                        Ok(None)
                    }
                    (debited, credited) => {
                        Numbers::difference(credited.unwrap_or(0), debited.unwrap_or(0)).map(Some)
                    }
                }
            });
            let found = found.and_then(|units| self.whole(units));
            units.push(self.settle(found, row, source, faults));
        }
    }

    #[inline]
    fn read(&mut self, cell: &str, row: usize) -> Result<Option<i128>, String> {
        if is_empty(cell, self.null_values) {
            return Ok(None);
        }
        let (units, said) = self.numbers.read(cell)?;
        if let (Some(said), Some(currencies)) = (said, &mut self.required) {
            currencies.settle(row, said)?;
        }
        Ok(Some(units))
    }

    fn whole(&self, units: Option<i128>) -> Result<Option<i128>, String> {
        if units.is_none() && self.required.is_some() { Err("amount is empty".to_owned()) } else { Ok(units) }
    }

    fn settle(
        &self,
        found: Result<Option<i128>, String>,
        row: usize,
        source: usize,
        faults: &mut Faults,
    ) -> i128 {
        match found {
            Ok(Some(units)) => {
                if self.negate {
                    -units
                } else {
                    units
                }
            }
            Ok(None) => Column::EMPTY_NUMBER,
            Err(reason) => {
                faults.add(row, source, reason);
                Column::EMPTY_NUMBER
            }
        }
    }
}
