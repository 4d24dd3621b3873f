//! Where each row of the two inputs stands in the results, and what its pairs fail.

use std::fmt;

use recon_domain::{AMOUNT, CURRENCY, Currency, Decimal, RoleId, RuleSet, Side};
use recon_engine::{Cancelled, Checker, Column, Progress, Table};
use recon_formats::mapping::Mapped;
use recon_formats::results::ResultFormat;
use recon_formats::results::read::{Cells, as_written};

use super::differences::Differences;

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Nowhere,
    Match(u64),
    Break,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nowhere"),
            Self::Match(number) => write!(f, "in match {number}"),
            Self::Break => f.write_str("among the breaks"),
        }
    }
}

/// The rows of both inputs, and where they were seen.
pub(super) struct Rows<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// The inputs, read again.
    pub mapped: &'a Mapped,
    /// What pairs of them fail.
    pub checker: Checker<'a>,
    sides: [Seen; 2],
}

/// The entries of a side by their rows, and where each was seen.
struct Seen {
    /// The entry of each row; [`NONE`] for rows that are no entry.
    entries: Vec<u32>,
    places: Vec<Place>,
}

/// No entry: tables have fewer.
const NONE: u32 = u32::MAX;

impl<'a> Rows<'a> {
    pub(super) fn of(
        rules: &'a RuleSet,
        mapped: &'a Mapped,
        progress: &'a dyn Progress,
    ) -> Result<Self, Cancelled> {
        let seen = |table: &Table| {
            let rows = table.rows.iter().copied().max().map_or(0, |row| index(row) + 1);
            let mut entries = vec![NONE; rows];
            for (row, entry) in table.rows.iter().zip(0..) {
                entries[index(*row)] = entry;
            }
            Seen { entries, places: vec![Place::Nowhere; table.len()] }
        };
        let checker = Checker::new(rules, [&mapped.left, &mapped.right], &mapped.texts, progress)?;
        Ok(Self { rules, mapped, checker, sides: [seen(&mapped.left), seen(&mapped.right)] })
    }

    /// The entries of a side.
    pub(super) const fn table(&self, side: Side) -> &'a Table {
        match side {
            Side::Left => &self.mapped.left,
            Side::Right => &self.mapped.right,
        }
    }

    /// The entry of a row; `None` for a row that the file does not have, or that cannot be read.
    pub(super) fn entry(&self, side: Side, row: u64) -> Option<u32> {
        let seen = &self.sides[side as usize];
        let entry = usize::try_from(row).ok().and_then(|row| seen.entries.get(row).copied())?;
        (entry != NONE).then_some(entry)
    }

    /// Where an entry was seen.
    pub(super) fn place(&self, side: Side, entry: u32) -> Place {
        self.sides[side as usize].places.get(index(entry)).copied().unwrap_or(Place::Nowhere)
    }

    /// Notes that a row was seen there, with these cells.
    pub(super) fn see(
        &mut self,
        (side, row): (Side, u64),
        place: Place,
        (format, cells): (ResultFormat, &Cells),
        differences: &mut Differences,
    ) -> Option<u32> {
        let Some(entry) = self.entry(side, row) else {
            differences
                .add(format!("{side} row {row} stands {place}, and the {side} file has no such entry"));
            return None;
        };
        let before = self.place(side, entry);
        if before != Place::Nowhere {
            differences.add(format!("{side} row {row} stands {before} and once more {place}"));
        }
        if let Some(seen) = self.sides[side as usize].places.get_mut(index(entry)) {
            *seen = place;
        }
        self.compare((side, row, entry), (format, cells), differences);
        Some(entry)
    }

    /// Rows that were seen nowhere.
    pub(super) fn missing(&self, differences: &mut Differences) {
        for side in [Side::Left, Side::Right] {
            let places = self.sides[side as usize].places.iter();
            for (place, row) in places.zip(&self.table(side).rows) {
                if *place == Place::Nowhere {
                    differences.add(format!("{side} row {row} stands in no match and is no break"));
                }
            }
        }
    }

    /// The name of a pass.
    pub(super) fn pass_name(&self, pass: u16) -> &'a str {
        self.rules.passes.get(usize::from(pass)).map_or("?", |pass| pass.name.as_str())
    }

    /// A number of amounts.
    pub(super) fn amount(&self, units: i128) -> String {
        match self.rules.role(AMOUNT) {
            Some(role) => self.units(role, units),
            None => units.to_string(),
        }
    }

    /// A number of this role.
    pub(super) fn units(&self, role: RoleId, units: i128) -> String {
        let scale = match self.mapped.left.columns.get(role.index()) {
            Some(Column::Number { scale, .. }) => *scale,
            Some(Column::Day(_) | Column::Instant(_) | Column::Text { .. }) | None => 0,
        };
        Decimal::units_text(units, scale)
    }

    /// The currency of an entry.
    pub(super) fn currency(&self, side: Side, entry: u32) -> Option<Currency> {
        self.table(side).currencies.get(index(entry)).copied()
    }

    /// The cell that conditions compare, which is not always the one that is shown; `None` when it is empty.
    pub(super) fn compared(&self, side: Side, role: RoleId, entry: u32) -> Option<String> {
        let table = self.table(side);
        match table.columns.get(role.index()).filter(|_| index(entry) < table.len())? {
            Column::Text { ids, .. } => self.mapped.texts.get(*ids.get(index(entry))?).map(str::to_owned),
            column @ (Column::Number { .. } | Column::Day(_) | Column::Instant(_)) => {
                column.text(index(entry), &self.mapped.texts)
            }
        }
    }

    /// The shown cells against those of the file.
    fn compare(
        &self,
        (side, row, entry): (Side, u64, u32),
        (format, cells): (ResultFormat, &Cells),
        differences: &mut Differences,
    ) {
        let table = self.table(side);
        for (role, column) in self.rules.roles.iter().zip(&table.columns) {
            let text = column.text(index(entry), &self.mapped.texts);
            let text = text.map(|text| match column {
                Column::Text { .. } => as_written(format, &text).into_owned(),
                Column::Number { .. } | Column::Day(_) | Column::Instant(_) => text,
            });
            check_cell((side, row), &role.name, cells, text.as_deref(), differences);
        }
        let is_mapped = self.rules.role(CURRENCY).is_some();
        if let Some(currency) = table.currencies.get(index(entry)).filter(|_| !is_mapped)
            && cells.get(CURRENCY).is_some()
        {
            check_cell((side, row), CURRENCY, cells, Some(currency.as_str()), differences);
        }
    }
}

fn check_cell(
    (side, row): (Side, u64),
    name: &str,
    cells: &Cells,
    wanted: Option<&str>,
    differences: &mut Differences,
) {
    let shown = |cell: Option<&str>| cell.map_or_else(|| "empty".to_owned(), |text| format!("`{text}`"));
    match cells.get(name) {
        None => differences.add(format!("{side} row {row} shows no {name}")),
        Some(cell) if cell == wanted => {}
        Some(cell) => {
            let (there, wanted) = (shown(cell), shown(wanted));
            differences.add(format!("{side} row {row}: {name} is {there}, in the {side} file {wanted}"));
        }
    }
}

fn index(entry: u32) -> usize {
    usize::try_from(entry).unwrap_or(usize::MAX)
}
