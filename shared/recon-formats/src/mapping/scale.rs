//! The scale of a role's numbers: one for both sides, so that equal numbers are equal integers.

use recon_domain::{AMOUNT, Decimal, Role, RuleSet, Side};

use super::Reading;
use super::currency;
use super::decide::{Plan, RolePlan, fit, source_columns};
use crate::Profile;
use crate::cell::number::Marks;
use crate::profile::{WHOLE_DIGITS_KEPT, key};

/// What the numbers of a role need on one side.
#[derive(Debug, Clone, Copy, Default)]
struct Need {
    /// Digits after the decimal mark.
    places: u8,
    /// Digits before it, of the numbers with at most [`WHOLE_DIGITS_KEPT`].
    whole: u8,
}

/// Settles the scale of a role: the larger of what the data show and the currencies' exponent, as far as it leaves
/// room for the digits before the decimal mark. Finer cells are rejected then, not the larger numbers.
pub(super) fn settle(rules: &RuleSet, role_index: usize, plans: &mut [Plan; 2], profiles: &[Profile; 2]) {
    let role = &rules.roles[role_index];
    let needs = [0, 1].map(|side| match &plans[side].roles[role_index] {
        RolePlan::Number { marks, .. } => need(role, side, *marks, &profiles[side]),
        RolePlan::Day(_) | RolePlan::Instant(_) | RolePlan::Text | RolePlan::Currency => Need::default(),
    });
    let exponents = [0, 1].map(|side| {
        if role.name == AMOUNT {
            currency::exponent(rules, role, side, &plans[side], &profiles[side])
        } else {
            0
        }
    });
    let whole = needs[0].whole.max(needs[1].whole);
    let room = u8::try_from(Decimal::DIGITS_MAX).unwrap_or(u8::MAX).saturating_sub(whole);
    let places_max = room.min(Decimal::SCALE_MAX);
    let scale = [needs[0].places, needs[1].places, exponents[0], exponents[1]].into_iter().fold(0, u8::max);
    let scale = scale.min(places_max);
    for (side, plan) in plans.iter_mut().enumerate() {
        let RolePlan::Number { scale: of_side, .. } = &mut plan.roles[role_index] else { continue };
        *of_side = scale;
        if needs[side].places > scale {
            let text = format!(
                "scale {scale}: numbers have up to {} digits after the decimal mark, and up to {whole} before it; {} are read in all, so that finer cells are rejected",
                needs[side].places,
                Decimal::DIGITS_MAX
            );
            plan.readings.push(Reading::of(role, [Side::Left, Side::Right][side], false, text));
        }
    }
}

fn need(role: &Role, side: usize, marks: Marks, profile: &Profile) -> Need {
    let comma = marks.decimal == ',';
    let places = if comma { key::PLACES_COMMA } else { key::PLACES_POINT };
    let whole = if comma { key::WHOLE_COMMA } else { key::WHOLE_POINT };
    let most = |key: &str| {
        let of_columns = source_columns(role, side, profile).map(|column| fit(&column.fits, key));
        u8::try_from(of_columns.fold(0, u64::max)).unwrap_or(u8::MAX)
    };
    // A profile without numbers of digits before the mark may hold any.
    let whole = match most(whole) {
        0 => WHOLE_DIGITS_KEPT,
        whole => whole,
    };
    Need { places: most(places), whole }
}
