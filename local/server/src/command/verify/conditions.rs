//! What a pair fails, in words.

use recon_contract::rules::condition_name;
use recon_domain::{
    Allowance, Condition, Filter, FilterTest, Pass, RoleId, Side, Similar, Tolerance, Within,
};
use recon_engine::{Deviation, Failed, Nearest};

use super::rows::Rows;

/// How many letters of a cell are shown.
const SHOWN_LETTERS_MAX: usize = 60;

/// The failed conditions of a nearest candidate as result files have them: `within:amount by 5.75; equal:memo`.
pub(super) fn written(rows: &Rows<'_>, nearest: &Nearest) -> String {
    let words = nearest.failed.iter().map(|failed| {
        let name = condition_name(rows.rules, nearest.pass, failed.condition);
        match by(rows, nearest.pass, *failed) {
            Some(by) => format!("{name} by {by}"),
            None => name,
        }
    });
    words.collect::<Vec<_>>().join("; ")
}

/// The conditions of a pass that two entries fail, with what each allows: `amount differs by 0.05, within allows 0.01 above`.
pub(super) fn told(rows: &Rows<'_>, number: u16, failed: &[Failed], entries: [u32; 2]) -> String {
    let words = failed.iter().map(|failed| {
        let pass = rows.rules.passes.get(usize::from(number));
        let told = pass.and_then(|pass| Told { rows, pass, entries }.words(*failed));
        told.unwrap_or_else(|| condition_name(rows.rules, number, failed.condition))
    });
    words.collect::<Vec<_>>().join("; ")
}

/// The measured difference; `None` where nothing is measured.
fn by(rows: &Rows<'_>, number: u16, failed: Failed) -> Option<String> {
    let pass = rows.rules.passes.get(usize::from(number))?;
    let role = role(pass, failed.condition);
    match failed.by {
        Deviation::Other => None,
        Deviation::Number(units) => Some(rows.units(role?, units)),
        Deviation::Days(days) => Some(days.to_string()),
        Deviation::Score(score) => Some(score.to_string()),
    }
}

/// The role that a condition looks at.
fn role(pass: &Pass, condition: Condition) -> Option<RoleId> {
    match condition {
        Condition::Currency => None,
        Condition::Equal(at) => pass.equal.get(usize::from(at)).copied(),
        Condition::Within(at) => pass.within.get(usize::from(at)).map(|within| within.role),
        Condition::Similar(at) => pass.similar.get(usize::from(at)).map(|similar| similar.role),
        Condition::Filter(at) => pass.filters.get(usize::from(at)).map(|filter| filter.role),
    }
}

/// Two entries under a pass.
struct Told<'a> {
    rows: &'a Rows<'a>,
    pass: &'a Pass,
    entries: [u32; 2],
}

impl Told<'_> {
    fn words(&self, failed: Failed) -> Option<String> {
        let Failed { condition, by } = failed;
        let pass = self.pass;
        match condition {
            Condition::Currency => {
                let [left, right] = self.entries;
                let (left, right) =
                    (self.rows.currency(Side::Left, left)?, self.rows.currency(Side::Right, right)?);
                Some(format!("the currency is {left} left and {right} right, every pass wants the same"))
            }
            Condition::Equal(at) => {
                let role = *pass.equal.get(usize::from(at))?;
                Some(match by {
                    Deviation::Number(units) => {
                        let by = self.rows.units(role, units);
                        format!("{} differs by {by}, equal allows no difference", self.name(role))
                    }
                    Deviation::Days(days) => {
                        format!("{} differs by {days} days, equal allows no difference", self.name(role))
                    }
                    Deviation::Other | Deviation::Score(_) => {
                        format!("{}, equal wants the same in both", self.cells(role))
                    }
                })
            }
            Condition::Within(at) => Some(self.within(pass.within.get(usize::from(at))?, by)),
            Condition::Similar(at) => Some(self.similar(pass.similar.get(usize::from(at))?, by)),
            Condition::Filter(at) => Some(self.filter(pass.filters.get(usize::from(at))?)),
        }
    }

    fn within(&self, within: &Within, by: Deviation) -> String {
        let name = self.name(within.role);
        match (&within.tolerance, by) {
            (Tolerance::Amount { below, above }, Deviation::Number(units)) => {
                let (allowed, side) = if units < 0 { (below, "below") } else { (above, "above") };
                let (by, allowed) = (self.rows.units(within.role, units), allowance(allowed));
                format!("{name} differs by {by}, within allows {allowed} {side}")
            }
            (Tolerance::Days { before, after, calendar }, Deviation::Days(days)) => {
                let (allowed, side) = if days < 0 { (before, "before") } else { (after, "after") };
                let calendar = calendar.and_then(|calendar| self.rows.rules.calendars.get(calendar));
                let of = calendar.map_or_else(String::new, |calendar| format!(" of `{}`", calendar.name()));
                format!("{name} differs by {days} days{of}, within allows {allowed} {side}")
            }
            (Tolerance::Amount { .. } | Tolerance::Days { .. }, _) => {
                format!("{}, within wants something in both", self.cells(within.role))
            }
        }
    }

    fn similar(&self, similar: &Similar, by: Deviation) -> String {
        let Similar { role, at_least, measure } = similar;
        match by {
            Deviation::Score(score) => {
                format!("{} scores {score} by {measure}, similar wants {at_least}", self.name(*role))
            }
            Deviation::Other | Deviation::Number(_) | Deviation::Days(_) => {
                format!("{}, similar cannot compare them", self.cells(*role))
            }
        }
    }

    fn filter(&self, filter: &Filter) -> String {
        let test = match &filter.test {
            FilterTest::Is(text) => format!("is `{text}`"),
            FilterTest::IsNot(text) => format!("is_not `{text}`"),
            FilterTest::AtLeast(least) => format!("at_least {least}"),
            FilterTest::AtMost(most) => format!("at_most {most}"),
            FilterTest::Matches(pattern) => format!("matches `{pattern}`"),
        };
        match filter.side {
            Some(side) => {
                let cell = shown(self.rows.compared(side, filter.role, self.entries[side as usize]));
                format!("{} is {cell} {side}, where wants {test} there", self.name(filter.role))
            }
            None => format!("{}, where wants {test} in both", self.cells(filter.role)),
        }
    }

    fn name(&self, role: RoleId) -> &str {
        self.rows.rules.roles.get(role.index()).map_or("?", |role| role.name.as_str())
    }

    /// What the condition compared.
    fn cells(&self, role: RoleId) -> String {
        let [left, right] = [Side::Left, Side::Right]
            .map(|side| shown(self.rows.compared(side, role, self.entries[side as usize])));
        format!("{} is {left} left and {right} right", self.name(role))
    }
}

fn allowance(allowed: &Allowance) -> String {
    let Allowance { absolute, percent } = allowed;
    match (absolute.units(), percent.units()) {
        (_, 0) => absolute.to_string(),
        (0, _) => format!("{percent}%"),
        (_, _) => format!("{absolute} or {percent}%"),
    }
}

fn shown(cell: Option<String>) -> String {
    let Some(text) = cell else { return "empty".to_owned() };
    match text.char_indices().nth(SHOWN_LETTERS_MAX) {
        Some((end, _)) => format!("`{}…`", text.get(..end).unwrap_or_default()),
        None => format!("`{text}`"),
    }
}
