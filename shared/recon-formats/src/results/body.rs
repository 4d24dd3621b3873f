//! Breaks as the store keeps them: in the shapes of the wire.

use recon_contract::rules::condition_name;
use recon_contract::{FailedCondition, Nearest, Values};
use recon_domain::{BreakKind, Condition, RoleId, Side};
use recon_engine::{Break, Deviation, Failed};
use serde_json::Value;

use super::cells::Scratch;
use super::columns::ResultColumn;
use super::{Results, index};

/// A break as it is found, without what people make of it.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakBody {
    /// Its side.
    pub side: Side,
    /// Why it is left over.
    pub kind: BreakKind,
    /// Its row in the file.
    pub row: u32,
    /// Its mapped cells, by role.
    pub values: Values,
    /// The row of the other side that comes nearest.
    pub nearest: Option<Nearest>,
    /// For a duplicate: the row of its own side that was matched.
    pub twin: Option<u64>,
}

impl Results<'_> {
    /// A break of the outcome.
    #[must_use]
    pub fn break_body(&self, found: &Break) -> BreakBody {
        self.body(found, &self.columns(), &mut Scratch::small())
    }

    /// All breaks, left before right, each in file order.
    pub fn break_bodies(&self) -> impl Iterator<Item = BreakBody> {
        let (columns, mut scratch) = (self.columns(), Scratch::new());
        self.outcome.breaks.iter().map(move |found| self.body(found, &columns, &mut scratch))
    }

    /// The mapped cells of an entry, by role; `null` where one is empty.
    #[must_use]
    pub fn values(&self, side: Side, entry: u32) -> Values {
        self.values_of(side, entry, &self.columns(), &mut Scratch::small())
    }

    fn body(&self, found: &Break, columns: &[ResultColumn], scratch: &mut Scratch) -> BreakBody {
        let nearest = found.nearest.as_ref().map(|nearest| Nearest {
            row: u64::from(self.row(found.side.other(), nearest.entry)),
            values: self.values_of(found.side.other(), nearest.entry, columns, scratch),
            failed: self.failed(found, nearest),
            cause: nearest.cause,
        });
        BreakBody {
            side: found.side,
            kind: found.kind,
            row: self.row(found.side, found.entry),
            values: self.values_of(found.side, found.entry, columns, scratch),
            nearest,
            twin: found.twin.map(|twin| self.row(found.side, twin).into()),
        }
    }

    fn values_of(&self, side: Side, entry: u32, columns: &[ResultColumn], scratch: &mut Scratch) -> Values {
        let value = |(index, column): (usize, &ResultColumn)| {
            let text = scratch.cell(self.datum(side, entry, index)).as_str();
            (column.name.clone(), text.map_or(Value::Null, Value::from))
        };
        columns.iter().enumerate().map(value).collect()
    }

    /// The conditions that a break and its nearest candidate fail.
    pub(super) fn failed(&self, found: &Break, nearest: &recon_engine::Nearest) -> Vec<FailedCondition> {
        let failed = |failed: &Failed| {
            let (left, right) = match found.side {
                Side::Left => (found.entry, nearest.entry),
                Side::Right => (nearest.entry, found.entry),
            };
            FailedCondition {
                condition: condition_name(self.rules, nearest.pass, failed.condition),
                left: self.condition_value(nearest.pass, failed.condition, Side::Left, left),
                right: self.condition_value(nearest.pass, failed.condition, Side::Right, right),
                by: self.deviation(nearest.pass, *failed),
            }
        };
        nearest.failed.iter().map(failed).collect()
    }

    fn role_of(&self, pass: u16, condition: Condition) -> Option<RoleId> {
        let pass = self.rules.passes.get(usize::from(pass))?;
        match condition {
            Condition::Currency => None,
            Condition::Equal(at) => pass.equal.get(usize::from(at)).copied(),
            Condition::Within(at) => pass.within.get(usize::from(at)).map(|within| within.role),
            Condition::Similar(at) => pass.similar.get(usize::from(at)).map(|similar| similar.role),
            Condition::Filter(at) => pass.filters.get(usize::from(at)).map(|filter| filter.role),
        }
    }

    fn condition_value(&self, pass: u16, condition: Condition, side: Side, entry: u32) -> Option<String> {
        let table = self.table(side);
        match self.role_of(pass, condition) {
            Some(role) => {
                let column = table.columns.get(role.index()).filter(|_| index(entry) < table.len())?;
                column.text(index(entry), self.texts)
            }
            None => table.currencies.get(index(entry)).map(ToString::to_string),
        }
    }

    fn deviation(&self, pass: u16, failed: Failed) -> Option<String> {
        match failed.by {
            Deviation::Other => None,
            Deviation::Number(units) => {
                let role = self.role_of(pass, failed.condition)?;
                let scale = match self.left.columns.get(role.index())? {
                    recon_engine::Column::Number { scale, .. } => *scale,
                    _ => 0,
                };
                Some(recon_domain::Decimal::units_text(units, scale))
            }
            Deviation::Days(days) => Some(days.to_string()),
            Deviation::Score(score) => Some(score.to_string()),
        }
    }
}
