//! Passes that only measure: wide in one thing, and sure in the others.

use serde_json::json;

use super::drafts::{near, similar};
use crate::Error;
use crate::document::{PassDraft, document};
use crate::measure::{DAYS_MAX, Days, Differences, EXCEPTIONS_PERCENT, FEE_PERCENT_MAX, Fee};
use crate::roles::Roles;
use crate::trial::{Apart, Trial};

const BY_REFERENCE: &str = "probe by reference";
const BY_WORDS: &str = "probe by words";
const EXACT_BY_REFERENCE: &str = "exact by reference";
const EXACT_BY_WORDS: &str = "exact by words";

/// Tolerances that pairs show which belong together for other reasons.
#[derive(Debug, Default)]
pub(super) struct Measured {
    /// Days between them; `None` where there are no dates. Where too few pairs tell, it is the same day.
    pub(super) days: Option<Days>,
    /// Whether enough pairs told them.
    pub(super) days_seen: bool,
    /// A difference of amounts that is rounding, and how many pairs have it.
    pub(super) rounding_by_reference: Option<(String, usize)>,
    pub(super) rounding_by_words: Option<(String, usize)>,
    pub(super) fees: Vec<Fee>,
}

pub(super) fn measure(trial: &Trial<'_>, roles: &Roles) -> Result<Measured, Error> {
    let mut measured = Measured::default();
    if roles.date.is_some() {
        let days = days(trial, roles)?;
        measured.days_seen = days.is_some();
        measured.days = Some(days.unwrap_or_default());
    }
    if roles.amount.is_some() {
        differences(trial, roles, &mut measured)?;
    }
    Ok(measured)
}

/// The days between pairs of which something else leaves no doubt: what repeats, as a rent does, leads to any month.
fn days(trial: &Trial<'_>, roles: &Roles) -> Result<Option<Days>, Error> {
    let wide = Days { before: DAYS_MAX, after: DAYS_MAX, working: false };
    let equal = |roles: &[Option<&'static str>]| roles.iter().copied().flatten().collect::<Vec<_>>();
    let amount = roles.amount.as_ref().map(|_| "amount");
    let reference = roles.reference.as_ref().map(|_| "reference");
    let probe = |name: &str, equal, similar| PassDraft {
        name: name.to_owned(),
        equal,
        within: vec![wide.to_json()],
        similar,
        forbids: true,
        ..PassDraft::default()
    };
    let mut probes = Vec::new();
    if reference.is_some() {
        probes.push(probe(BY_REFERENCE, equal(&[reference, amount]), Vec::new()));
    }
    // Amounts alone are only asked where nothing else can be.
    if amount.is_some() && (roles.words.is_some() || reference.is_none()) {
        probes.push(probe(BY_WORDS, equal(&[amount]), similar(roles)));
    }
    let Some(ran) = trial.document(&document(trial.samples, roles, &probes))? else { return Ok(None) };
    let words = roles.words.as_ref().map(|words| words.name);
    let by = [(BY_REFERENCE, [reference, amount]), (BY_WORDS, [amount, words])];
    let (mut sure, mut all) = (Vec::new(), Vec::new());
    for (pass, by) in by {
        let apart = Apart::by(&ran, &equal(&by));
        for (found, pair) in ran.matches_of(pass).filter_map(|found| Some((found, ran.days(found)?))) {
            all.push(pair);
            if apart.holds(found) {
                sure.push(pair);
            }
        }
    }
    Ok(Days::around_usual(&sure, &all, EXCEPTIONS_PERCENT).map(Days::with_holiday))
}

/// What amounts differ by where the rest agrees.
fn differences(trial: &Trial<'_>, roles: &Roles, measured: &mut Measured) -> Result<(), Error> {
    let exact = |name: &str, equal: Vec<&'static str>, similar| PassDraft {
        name: name.to_owned(),
        equal,
        within: near(measured.days),
        similar,
        ..PassDraft::default()
    };
    let wide = |name: &str, equal: Vec<&'static str>, similar| {
        let mut within =
            vec![json!({ "column": "amount", "absolute": "0.05", "percent": FEE_PERCENT_MAX.to_string() })];
        within.extend(near(measured.days.map(Days::widened)));
        PassDraft { name: name.to_owned(), equal, within, similar, forbids: true, ..PassDraft::default() }
    };
    let mut passes = Vec::new();
    if roles.reference.is_some() {
        passes.push(exact(EXACT_BY_REFERENCE, vec!["reference", "amount"], Vec::new()));
        passes.push(wide(BY_REFERENCE, vec!["reference"], Vec::new()));
    }
    if roles.words.is_some() {
        passes.push(exact(EXACT_BY_WORDS, vec!["amount"], similar(roles)));
        passes.push(wide(BY_WORDS, Vec::new(), similar(roles)));
    }
    if passes.is_empty() {
        return Ok(());
    }
    let Some(ran) = trial.document(&document(trial.samples, roles, &passes))? else { return Ok(()) };
    let words = roles.words.as_ref().map(|words| words.name);
    measured.rounding_by_reference = Differences::of(&ran, &[BY_REFERENCE], words).rounding();
    let by_words = Differences::of(&ran, &[BY_WORDS], words);
    measured.rounding_by_words = by_words.rounding();
    measured.fees = by_words.fees();
    Ok(())
}
