//! How each column is read: as told, else as most cells fit.

use recon_contract::{ColumnProfile, Fits};
use recon_domain::{AMOUNT, CURRENCY, Currency, DateOrder, ReadOptions, Role, RoleType, RuleSet, Source};

use super::Reading;
use super::mixture::Mixture;
use crate::Profile;
use crate::cell::number::Marks;
use crate::profile::{key, order_key};

/// How the cells of one role are read on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RolePlan {
    Number { marks: Marks, scale: u8 },
    Day(DayPlan),
    Instant(Option<String>),
    Text,
    Currency,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DayPlan {
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
    for (index, role) in rules.roles.iter().enumerate() {
        let scale = match role.kind {
            RoleType::Integer => 0,
            RoleType::Decimal | RoleType::Date | RoleType::Timestamp | RoleType::Text => [0, 1]
                .into_iter()
                .map(|side| {
                    let exponent = if role.name == AMOUNT {
                        exponent(rules, side, &plans[side], &profiles[side])
                    } else {
                        0
                    };
                    places(role, side, &plans[side].roles[index], &profiles[side]).max(exponent)
                })
                .fold(0, u8::max),
        };
        for plan in &mut plans {
            if let RolePlan::Number { scale: of_side, .. } = &mut plan.roles[index] {
                *of_side = scale.min(recon_domain::Decimal::SCALE_MAX);
            }
        }
    }
    plans
}

fn fit(fits: &Fits, key: &str) -> u64 {
    fits.get(key).copied().unwrap_or(0)
}

fn small(value: u64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn source_columns<'a>(
    role: &'a Role,
    side: usize,
    profile: &'a Profile,
) -> impl Iterator<Item = &'a ColumnProfile> {
    role.sources[side].columns().filter_map(|name| profile.column(name))
}

/// The most digits after the decimal mark that the data show.
fn places(role: &Role, side: usize, plan: &RolePlan, profile: &Profile) -> u8 {
    let RolePlan::Number { marks, .. } = plan else { return 0 };
    let key = if marks.decimal == ',' { key::PLACES_COMMA } else { key::PLACES_POINT };
    source_columns(role, side, profile).map(|column| small(fit(&column.fits, key))).fold(0, u8::max)
}

/// The greatest exponent of the currencies that a side's rows have.
fn exponent(rules: &RuleSet, side: usize, plan: &Plan, profile: &Profile) -> u8 {
    let role = rules.roles.iter().find(|role| role.name == CURRENCY);
    let column =
        role.and_then(|role| source_columns(role, side, profile).next().map(|column| (role, column)));
    let Some((role, column)) = column else { return plan.currency.exponent() };
    let replaced = role.values.iter().filter_map(|(_, code)| code.parse::<Currency>().ok());
    let replaced = replaced.map(Currency::exponent).fold(0, u8::max);
    let said = small(fit(&column.fits, key::EXPONENT)).max(replaced);
    if fit(&column.fits, key::EMPTY) > 0 { said.max(plan.currency.exponent()) } else { said }
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
            RoleType::Timestamp => RolePlan::Instant(self.role.formats[self.side].clone()),
            RoleType::Decimal | RoleType::Integer => RolePlan::Number { marks: self.marks(plan), scale: 0 },
            RoleType::Date => RolePlan::Day(match &self.role.formats[self.side] {
                Some(format) => DayPlan::Format(format.clone()),
                None => DayPlan::Order(self.order(plan)),
            }),
        }
    }

    fn names(&self) -> String {
        self.role.sources[self.side].columns().collect::<Vec<_>>().join("`, `")
    }

    fn sum(&self, key: &str) -> u64 {
        source_columns(self.role, self.side, self.profile).map(|column| fit(&column.fits, key)).sum()
    }

    fn say(&self, plan: &mut Plan, assumed: bool, text: String) {
        let (role, column) = (self.role.name.clone(), self.names());
        plan.readings.push(Reading { role, column, text, assumed });
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
