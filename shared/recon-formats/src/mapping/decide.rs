//! How each column is read: as told, else as most cells fit.

use recon_contract::{ColumnProfile, Fits};
use recon_domain::{CURRENCY, Currency, DateOrder, ReadOptions, Role, RoleType, RuleSet, Side, Source};

use super::mixture::Mixture;
use super::{Reading, currency, scale};
use crate::Profile;
use crate::cell::number::Marks;
use crate::profile::{key, order_key};

/// How the cells of one role are read on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RolePlan {
    /// Of debits and of credits, whether their signs only repeat what their column says.
    Number {
        marks: Marks,
        scale: u8,
        unsigned: [bool; 2],
    },
    Day(DatePlan),
    Instant(DatePlan),
    Text,
    Currency,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DatePlan {
    Order(DateOrder),
    Format(String),
}

/// How one side is read.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// One for each role.
    pub(super) roles: Vec<RolePlan>,
    /// The currency where no cell says it.
    pub(super) currency: Currency,
    pub(super) readings: Vec<Reading>,
    /// The first column that mixes readings.
    pub(super) mixture: Option<Mixture>,
}

/// Decides for both sides, since a role's scale is the same on both.
pub(super) fn plans(rules: &RuleSet, options: [&ReadOptions; 2], profiles: &[Profile; 2]) -> [Plan; 2] {
    let mut plans = [0, 1].map(|side| {
        let currency = options[side].currency.or(rules.default_currency).unwrap_or(Currency::NONE);
        let mut plan = Plan { roles: Vec::new(), currency, readings: Vec::new(), mixture: None };
        for role in &rules.roles {
            let decision =
                SidePlanner { role, side, options: options[side], profile: &profiles[side] }.plan(&mut plan);
            plan.roles.push(decision);
        }
        plan
    });
    currency::explain(rules, &mut plans, profiles);
    for (index, role) in rules.roles.iter().enumerate() {
        if !matches!(role.kind, RoleType::Integer) {
            scale::settle(rules, index, &mut plans, profiles);
        }
    }
    plans
}

pub(super) fn fit(fits: &Fits, key: &str) -> u64 {
    fits.get(key).copied().unwrap_or(0)
}

pub(super) fn source_columns<'a>(
    role: &'a Role,
    side: usize,
    profile: &'a Profile,
) -> impl Iterator<Item = &'a ColumnProfile> {
    role.sources[side].columns().filter_map(|name| profile.column(name))
}

struct SidePlanner<'a> {
    role: &'a Role,
    side: usize,
    options: &'a ReadOptions,
    profile: &'a Profile,
}

/// A reading and how many cells fit it.
type Count = (&'static str, u64);

impl SidePlanner<'_> {
    fn plan(&self, plan: &mut Plan) -> RolePlan {
        if self.role.name == CURRENCY {
            return RolePlan::Currency;
        }
        match self.role.kind {
            RoleType::Text => RolePlan::Text,
            RoleType::Timestamp => RolePlan::Instant(self.dates(plan)),
            RoleType::Decimal | RoleType::Integer => {
                let marks = self.marks(plan);
                RolePlan::Number { marks, scale: 0, unsigned: self.unsigned(plan) }
            }
            RoleType::Date => RolePlan::Day(self.dates(plan)),
        }
    }

    fn dates(&self, plan: &mut Plan) -> DatePlan {
        match &self.role.formats[self.side] {
            Some(format) => DatePlan::Format(format.clone()),
            None => DatePlan::Order(self.order(plan)),
        }
    }

    fn sum(&self, key: &str) -> u64 {
        source_columns(self.role, self.side, self.profile).map(|column| fit(&column.fits, key)).sum()
    }

    fn say(&self, plan: &mut Plan, assumed: bool, text: String) {
        plan.readings.push(Reading::of(self.role, [Side::Left, Side::Right][self.side], assumed, text));
    }

    /// Remembers the first column of which too many cells fit only another reading.
    fn check_mixed(
        &self,
        plan: &mut Plan,
        all: &'static str,
        most: &'static str,
        most_key: &str,
        is_date: bool,
    ) {
        for column in source_columns(self.role, self.side, self.profile) {
            let (fitting, total) = (fit(&column.fits, most_key), fit(&column.fits, all));
            if plan.mixture.is_none() && total.saturating_sub(fitting) * 100 > total {
                plan.mixture = Some(Mixture { column: column.name.clone(), most, is_date });
            }
        }
    }

    fn marks(&self, plan: &mut Plan) -> Marks {
        let thousands = self.options.thousands_mark;
        if let Some(decimal) = self.options.decimal_mark {
            self.say(plan, false, format!("decimal mark `{decimal}`: as told"));
            return Marks { decimal, thousands };
        }
        if let Some(mark @ ('.' | ',')) = thousands {
            let decimal = if mark == '.' { ',' } else { '.' };
            self.say(
                plan,
                false,
                format!("decimal mark `{decimal}`: the thousands mark is told to be `{mark}`"),
            );
            return Marks { decimal, thousands };
        }
        let (all, point, comma) = (self.sum(key::DECIMAL), self.sum(key::POINT), self.sum(key::COMMA));
        let either = self.sum(key::EITHER);
        let (most, assumed, why) = if point != comma {
            let (most, fitting, other) =
                if point > comma { (".", point, comma) } else { (",", comma, point) };
            (most, false, format!("{fitting} of {all} numbers fit it, {other} fit the other mark"))
        } else if either == 0 {
            (".", false, format!("none of {all} numbers has a mark that could be read otherwise"))
        } else {
            let (most, why) = self.likely_mark();
            (
                most,
                true,
                format!(
                    "assumed {why}; {either} of {all} numbers mean something else with the other mark; `decimal_mark` in the file's options overrides it"
                ),
            )
        };
        self.say(plan, assumed, format!("decimal mark `{most}`: {why}"));
        let most_key = if most == "." { key::POINT } else { key::COMMA };
        self.check_mixed(plan, key::DECIMAL, most, most_key, false);
        Marks { decimal: if most == "." { '.' } else { ',' }, thousands }
    }

    /// Banks write debits with a sign or without. Where none of a column's numbers is above zero, the sign says what the
    /// column says already; where signs are mixed, a negative debit is a debit that was taken back.
    fn unsigned(&self, plan: &mut Plan) -> [bool; 2] {
        let Source::DebitCredit { debit, credit } = &self.role.sources[self.side] else { return [false; 2] };
        [("debits", debit), ("credits", credit)].map(|(what, name)| {
            let fits = self.profile.column(name).map(|column| &column.fits);
            let unsigned = fits.is_some_and(|fits| fit(fits, key::ABOVE) == 0 && fit(fits, key::BELOW) > 0);
            if unsigned {
                let text = format!(
                    "{what} in `{name}`: assumed to be above zero, since none of its numbers is: the sign says the same as the column"
                );
                self.say(plan, true, text);
            }
            unsigned
        })
    }

    /// What the rest of the file says about marks.
    fn likely_mark(&self) -> (&'static str, String) {
        let clear = |column: &&ColumnProfile| fit(&column.fits, key::POINT) != fit(&column.fits, key::COMMA);
        if let Some(column) = self.profile.columns.iter().find(clear) {
            let point = fit(&column.fits, key::POINT) > fit(&column.fits, key::COMMA);
            return (if point { "." } else { "," }, format!("from the column `{}`", column.name));
        }
        if self.profile.dialect.delimiter == ";" {
            (",", "since the delimiter is a semicolon".to_owned())
        } else {
            (".", "since nothing in the file speaks against it".to_owned())
        }
    }

    fn order(&self, plan: &mut Plan) -> DateOrder {
        if let Some(order) = self.options.date_order {
            self.say(plan, false, format!("date order {order}: as told"));
            return order;
        }
        let all = self.sum(key::DATE);
        let counts = DateOrder::ALL.iter().map(|order| (*order, self.sum(order_key(*order))));
        let most = counts.clone().map(|(_, count)| count).max().unwrap_or(0);
        let tied: Vec<DateOrder> =
            counts.clone().filter(|(_, count)| *count == most).map(|(order, _)| order).collect();
        let others: Vec<Count> = counts.map(|(order, count)| (order.as_str(), count)).collect();
        let shares =
            others.iter().map(|(order, count)| format!("{count} fit {order}")).collect::<Vec<_>>().join(", ");
        let (order, assumed, why) = match tied.as_slice() {
            [only] => (*only, false, format!("of {all} dates {shares}")),
            _ if all == 0 => (DateOrder::Dmy, false, "no cell is a date".to_owned()),
            tied => {
                let (order, why) = self.likely_order(tied);
                (
                    order,
                    true,
                    format!(
                        "assumed {why}, since of {all} dates {shares}; `date_order` in the file's options or a format in the rules overrides it"
                    ),
                )
            }
        };
        self.say(plan, assumed, format!("date order {order}: {why}"));
        self.check_mixed(plan, key::DATE, order.as_str(), order_key(order), true);
        order
    }

    /// What the rest of the file says about the order, among those that fit equally many cells.
    fn likely_order(&self, tied: &[DateOrder]) -> (DateOrder, String) {
        for column in &self.profile.columns {
            let count = |order: &DateOrder| fit(&column.fits, order_key(*order));
            let most = tied.iter().map(count).max().unwrap_or(0);
            let mut best = tied.iter().filter(|order| count(order) == most);
            if let (Some(order), None) = (best.next(), best.next()) {
                return (*order, format!("from the column `{}`", column.name));
            }
        }
        let order = if tied.contains(&DateOrder::Dmy) { DateOrder::Dmy } else { DateOrder::Mdy };
        (order, "as the commoner one".to_owned())
    }
}

/// Whether a role reads nothing on a side.
pub(super) fn is_absent(role: &Role, side: usize) -> bool {
    matches!(role.sources[side], Source::Absent)
}
