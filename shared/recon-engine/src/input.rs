//! Two tables under their rules: what every stage is given.
//!
//! A run has three of them. The first is over the tables as they came; the second over one entry for each
//! class, in content order, which is what passes work on; the third over those of them that are left.

use recon_domain::{AMOUNT, CURRENCY, Currency, DATE, RoleId, RuleSet, Side};

use crate::number::index;
use crate::{Column, Interner, Table};

/// The index of the left side in every pair of arrays.
pub(crate) const LEFT: usize = 0;
/// The index of the right side.
pub(crate) const RIGHT: usize = 1;
/// Both sides by their index.
pub(crate) const SIDES: [Side; 2] = [Side::Left, Side::Right];

/// Two tables under their rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) tables: [&'a Table; 2],
    pub(crate) texts: &'a Interner,
    pub(crate) reserved: Reserved,
}

/// The roles with a meaning of their own, where they are mapped, by their index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reserved {
    pub(crate) amount: Option<usize>,
    pub(crate) date: Option<usize>,
    pub(crate) currency: Option<usize>,
}

impl<'a> Input<'a> {
    pub(crate) fn new(rules: &'a RuleSet, tables: [&'a Table; 2], texts: &'a Interner) -> Self {
        let role = |name| rules.role(name).map(RoleId::index);
        let columns = &tables[LEFT].columns;
        let reserved = Reserved {
            amount: role(AMOUNT).filter(|role| columns[*role].is_number()),
            date: role(DATE).filter(|role| columns[*role].is_date()),
            currency: role(CURRENCY),
        };
        Self { rules, tables, texts, reserved }
    }

    /// The same run over other tables.
    pub(crate) fn over<'b>(&self, tables: [&'b Table; 2], texts: &'b Interner) -> Input<'b>
    where
        'a: 'b,
    {
        Input { rules: self.rules, tables, texts, reserved: self.reserved }
    }

    /// The roles whose cells make up an entry. The currency is not among them: it has its own column, and
    /// how its cell was written in the file does not matter.
    pub(crate) fn roles(&self) -> impl Iterator<Item = usize> + Clone + use<> {
        let currency = self.reserved.currency;
        (0..self.rules.roles.len()).filter(move |role| Some(*role) != currency)
    }

    /// How many entries a side has.
    pub(crate) fn len(&self, side: usize) -> usize {
        self.tables[side].len()
    }

    /// The cells of a role on one side.
    pub(crate) fn column(&self, side: usize, role: usize) -> &'a Column {
        &self.tables[side].columns[role]
    }

    /// The currency of an entry.
    pub(crate) fn currency(&self, side: usize, entry: u32) -> Currency {
        self.tables[side].currencies[index(entry)]
    }

    /// These entries as a table of their own, in this order.
    pub(crate) fn only(&self, side: usize, entries: &[u32]) -> Table {
        let table = self.tables[side];
        Table {
            columns: table.columns.iter().map(|column| column.only(entries)).collect(),
            currencies: entries.iter().map(|entry| table.currencies[index(*entry)]).collect(),
            rows: entries.iter().map(|entry| table.rows[index(*entry)]).collect(),
            contents: Vec::new(),
            rejected: 0,
        }
    }
}
