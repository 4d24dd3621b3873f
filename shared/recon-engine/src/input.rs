//! What a run is given, with what every stage asks of it.

use recon_domain::{AMOUNT, CURRENCY, Currency, DATE, RuleSet, Side};

use crate::classes::Classes;
use crate::{Column, Interner, Table};

/// The index of the left side in every pair of arrays.
pub(crate) const LEFT: usize = 0;
/// The index of the right side.
pub(crate) const RIGHT: usize = 1;
/// Both sides by their index.
pub(crate) const SIDES: [Side; 2] = [Side::Left, Side::Right];

/// Two tables under their rules, sorted into classes of interchangeable entries.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    pub(crate) rules: &'a RuleSet,
    pub(crate) tables: [&'a Table; 2],
    pub(crate) texts: &'a Interner,
    pub(crate) classes: [Classes; 2],
    pub(crate) reserved: Reserved,
}

/// The roles with a meaning of their own, where they are mapped, by their index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reserved {
    pub(crate) amount: Option<usize>,
    pub(crate) date: Option<usize>,
    pub(crate) currency: Option<usize>,
}

impl Reserved {
    fn of(rules: &RuleSet, table: &Table) -> Self {
        let role = |name| rules.role(name).map(recon_domain::RoleId::index);
        Self {
            amount: role(AMOUNT).filter(|role| table.columns[*role].is_number()),
            date: role(DATE).filter(|role| table.columns[*role].is_date()),
            currency: role(CURRENCY),
        }
    }
}

impl<'a> Input<'a> {
    pub(crate) fn new(rules: &'a RuleSet, tables: [&'a Table; 2], texts: &'a Interner) -> Self {
        let reserved = Reserved::of(rules, tables[LEFT]);
        // The currency has its own column; what its cell looked like in the file does not matter.
        let roles: Vec<usize> =
            (0..rules.roles.len()).filter(|role| Some(*role) != reserved.currency).collect();
        let (left, right) = rayon::join(
            || Classes::of(tables[LEFT], &roles, texts),
            || Classes::of(tables[RIGHT], &roles, texts),
        );
        Self { rules, tables, texts, classes: [left, right], reserved }
    }

    /// The entries that stand for these classes, as a table of their own in this order.
    pub(crate) fn table_of(&self, side: usize, classes: &[u32]) -> Table {
        let table = self.tables[side];
        let entries: Vec<usize> = classes.iter().map(|class| self.entry(side, *class)).collect();
        Table {
            columns: table.columns.iter().map(|column| column.only(&entries)).collect(),
            currencies: entries.iter().map(|entry| table.currencies[*entry]).collect(),
            rows: entries.iter().map(|entry| table.rows[*entry]).collect(),
            contents: entries.iter().map(|entry| table.contents[*entry]).collect(),
            rejected: 0,
        }
    }

    /// The same run over tables whose entries are in content order and each a class of its own.
    pub(crate) fn over<'b>(&self, tables: [&'b Table; 2]) -> Input<'b>
    where
        'a: 'b,
    {
        let classes = tables.map(|table| Classes::one_each(table.len()));
        Input { rules: self.rules, tables, texts: self.texts, classes, reserved: self.reserved }
    }

    /// The cells of a role on one side.
    pub(crate) fn column(&self, side: usize, role: usize) -> &'a Column {
        &self.tables[side].columns[role]
    }

    /// The entry that stands for its class.
    pub(crate) fn entry(&self, side: usize, class: u32) -> usize {
        self.classes[side].first(class)
    }

    /// The currency of a class.
    pub(crate) fn currency(&self, side: usize, class: u32) -> Currency {
        self.tables[side].currencies[self.entry(side, class)]
    }
}
