//! What the codes and signs beside amounts say about currencies.

use std::collections::BTreeSet;

use recon_domain::{AMOUNT, CURRENCY, Currency, Role, RuleSet, Side};

use super::Reading;
use super::decide::{Plan, fit, is_absent, source_columns};
use crate::Profile;
use crate::cell::number::Said;
use crate::profile::key;

/// How many amounts there are on a side, how many of them have a code or sign beside them, and the greatest
/// exponent of those.
#[derive(Debug, Clone, Copy)]
struct Codes {
    amounts: u64,
    coded: u64,
    exponent: u8,
}

impl Codes {
    fn of(amount: &Role, side: usize, profile: &Profile) -> Self {
        let fits = || source_columns(amount, side, profile).map(|column| &column.fits);
        let sum = |key: &str| fits().map(|fits| fit(fits, key)).sum();
        let exponent = fits().map(|fits| fit(fits, key::EXPONENT)).fold(0, u64::max);
        Self { amounts: sum(key::DECIMAL), coded: sum(key::CODED), exponent: small(exponent) }
    }

    /// The greatest exponent where nothing but the codes names a currency.
    fn exponent(self) -> u8 {
        if self.coded > 0 && self.coded == self.amounts {
            self.exponent
        } else {
            self.exponent.max(Currency::NONE.exponent())
        }
    }
}

/// The greatest exponent of the currencies that the amounts of a side have.
pub(super) fn exponent(rules: &RuleSet, amount: &Role, side: usize, plan: &Plan, profile: &Profile) -> u8 {
    let unnamed = if plan.currency == Currency::NONE {
        Codes::of(amount, side, profile).exponent()
    } else {
        plan.currency.exponent()
    };
    let role = rules.roles.iter().find(|role| role.name == CURRENCY);
    let column =
        role.and_then(|role| source_columns(role, side, profile).next().map(|column| (role, column)));
    let Some((role, column)) = column else { return unnamed };
    let replaced = role.values.iter().filter_map(|(_, code)| code.parse::<Currency>().ok());
    let replaced = replaced.map(Currency::exponent).fold(0, u8::max);
    let said = small(fit(&column.fits, key::EXPONENT)).max(replaced);
    if fit(&column.fits, key::EMPTY) > 0 { said.max(unnamed) } else { said }
}

/// Says where rows get their currency from their amounts, and where one side has no currency and the other has.
pub(super) fn explain(rules: &RuleSet, plans: &mut [Plan; 2], profiles: &[Profile; 2]) {
    let Some(amount) = rules.roles.iter().find(|role| role.name == AMOUNT) else { return };
    let role = rules.roles.iter().find(|role| role.name == CURRENCY);
    let is_named = |side: usize, plan: &Plan| {
        plan.currency != Currency::NONE || role.is_some_and(|role| !is_absent(role, side))
    };
    let named = [is_named(0, &plans[0]), is_named(1, &plans[1])];
    let codes = [0, 1].map(|side| Codes::of(amount, side, &profiles[side]));
    for (index, side) in [Side::Left, Side::Right].into_iter().enumerate() {
        let (own, other) = (codes[index], codes[1 - index]);
        if named[index] {
            continue;
        }
        let (assumed, text) = if own.coded > 0 {
            let rest = if own.coded < own.amounts {
                "; the others have none, unless `currency` in the file's options or `default_currency` in the rules names it"
            } else {
                ""
            };
            let (coded, amounts) = (own.coded, own.amounts);
            let signs = assumed_signs(amount, index, &profiles[index]);
            (
                !signs.is_empty(),
                format!(
                    "currency: {coded} of {amounts} amounts have the code or sign of one beside them, which is their row's{signs}{rest}"
                ),
            )
        } else if named[1 - index] || other.coded > 0 {
            (
                true,
                "currency: assumed none (XXX), since nothing names one, while the other file's rows have one: amounts of different currencies do not match; `currency` in the file's options or `default_currency` in the rules names it".to_owned(),
            )
        } else {
            continue;
        };
        plans[index].readings.push(Reading::of(amount, side, assumed, text));
    }
}

/// Says what the signs that several currencies have were taken for.
fn assumed_signs(amount: &Role, side: usize, profile: &Profile) -> String {
    let mut signs = BTreeSet::new();
    for column in source_columns(amount, side, profile) {
        signs.extend(column.fits.keys().filter_map(|name| name.strip_prefix(key::SIGN)?.chars().next()));
    }
    let mut words = String::new();
    for said in signs.into_iter().filter_map(Said::sign) {
        let word = format!(
            "; `{said}` was taken for {}, which others have too, unless `currency` in the file's options or `default_currency` in the rules names another",
            said.currency
        );
        words.push_str(&word);
    }
    words
}

fn small(value: u64) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}
