//! What passes there may be, strictest first.

use serde_json::{Value, json};

use super::LAST;
use super::probe::Measured;
use crate::document::PassDraft;
use crate::measure::{DAYS_MAX, Days, Fee};
use crate::roles::Roles;
use crate::score::Score;

/// The share of rows with a known reference from which on rows without one are exceptions.
const COVERED_MIN: Score = 8_000;
/// How far the dates of equal amounts may be apart for a person to look at, where too few pairs tell what is usual.
const DAYS_UNSEEN_MAX: i32 = 10;

/// The passes for these roles, with what was measured.
pub(super) fn passes(roles: &Roles, measured: &Measured) -> Vec<PassDraft> {
    let mut passes = Vec::new();
    match (&roles.amount, &roles.reference) {
        (Some(_), Some(_)) => by_reference_and_amount(measured, &mut passes),
        (None, Some(_)) => by_reference(roles, measured, &mut passes),
        (Some(_) | None, None) => {}
    }
    if roles.amount.is_some() {
        by_amount(roles, measured, &mut passes);
    }
    passes
}

pub(super) fn near(days: Option<Days>) -> Vec<Value> {
    days.map(Days::to_json).into_iter().collect()
}

fn near_text(measured: &Measured) -> String {
    measured.days.map_or_else(String::new, |days| {
        let why = if measured.days_seen {
            "as pairs that belong together are"
        } else {
            "since too few pairs tell how many days are usual"
        };
        format!(", the right one {}, {why}", days.text())
    })
}

/// The days in which a person may look for rows, where a pass by itself only takes what is of the same day.
fn unseen(measured: &Measured, most: i32) -> Option<Days> {
    measured.days.filter(|_| !measured.days_seen).map(|_| Days::around(most))
}

fn amount_within(absolute: &str) -> Value {
    json!({ "column": "amount", "absolute": absolute })
}

fn by_reference_and_amount(measured: &Measured, passes: &mut Vec<PassDraft>) {
    passes.push(PassDraft {
        name: "reference and amount".to_owned(),
        equal: vec!["reference", "amount"],
        within: near(measured.days),
        why: format!("the same reference and amount{}", near_text(measured)),
        ..PassDraft::default()
    });
    if let Some(days) = unseen(measured, DAYS_MAX) {
        passes.push(PassDraft {
            name: "reference and amount on other days".to_owned(),
            equal: vec!["reference", "amount"],
            within: vec![days.to_json()],
            suggests: true,
            why: format!("the same reference and amount, the right one {}", days.text()),
            ..PassDraft::default()
        });
    }
    if let Some((absolute, pairs)) = &measured.rounding_by_reference {
        let mut within = vec![amount_within(absolute)];
        within.extend(near(measured.days));
        passes.push(PassDraft {
            name: "reference and rounded amount".to_owned(),
            equal: vec!["reference"],
            within,
            why: format!(
                "the same reference, and amounts up to {absolute} apart, as they are in {pairs} pairs"
            ),
            ..PassDraft::default()
        });
    }
}

/// Without amounts, the texts have to agree too where they tell pairs from others; where they don't agree, a person
/// decides.
fn by_reference(roles: &Roles, measured: &Measured, passes: &mut Vec<PassDraft>) {
    let similar = similar(roles);
    if !similar.is_empty() {
        passes.push(PassDraft {
            name: "reference and words".to_owned(),
            equal: vec!["reference"],
            within: near(measured.days),
            similar: similar.clone(),
            why: format!("the same reference, and texts that are alike{}", near_text(measured)),
            ..PassDraft::default()
        });
    }
    passes.push(PassDraft {
        name: "reference".to_owned(),
        equal: vec!["reference"],
        within: near(measured.days),
        suggests: !similar.is_empty(),
        why: if similar.is_empty() {
            "the same reference"
        } else {
            "the same reference, though the texts differ"
        }
        .to_owned(),
        ..PassDraft::default()
    });
    if let Some(days) = unseen(measured, DAYS_MAX) {
        passes.push(PassDraft {
            name: "reference on other days".to_owned(),
            equal: vec!["reference"],
            within: vec![days.to_json()],
            suggests: true,
            why: format!("the same reference, the right one {}", days.text()),
            ..PassDraft::default()
        });
    }
}

pub(super) fn similar(roles: &Roles) -> Vec<Value> {
    let words = roles.words.iter();
    words
        .map(|words| json!({ "column": words.name, "at_least": words.at_least, "measure": "token_set" }))
        .collect()
}

fn by_amount(roles: &Roles, measured: &Measured, passes: &mut Vec<PassDraft>) {
    let similar = similar(roles);
    let days = measured.days;
    if similar.is_empty() {
        without_words(roles, measured, passes);
        return;
    }
    passes.push(PassDraft {
        name: "amount and words".to_owned(),
        equal: vec!["amount"],
        within: near(days),
        similar: similar.clone(),
        suggests: roles.undated,
        why: format!("the same amount, and texts that are alike{}{}", near_text(measured), undated(roles)),
        ..PassDraft::default()
    });
    if let Some((absolute, pairs)) = &measured.rounding_by_words {
        let mut within = vec![amount_within(absolute)];
        within.extend(near(days));
        passes.push(PassDraft {
            name: "rounded amount and words".to_owned(),
            within,
            similar: similar.clone(),
            suggests: roles.undated,
            why: format!(
                "texts that are alike, and amounts up to {absolute} apart, as they are in {pairs} pairs{}",
                undated(roles)
            ),
            ..PassDraft::default()
        });
    }
    for (number, fee) in measured.fees.iter().enumerate() {
        passes.push(less_a_fee(roles, (fee, fee.usual), number, &similar));
        if fee.days != fee.usual && roles.date.is_some() {
            let rest = less_a_fee(roles, (fee, fee.days), number, &similar);
            passes.push(PassDraft { name: format!("{} on other days", rest.name), ..rest });
        }
    }
    let wide = unseen(measured, DAYS_UNSEEN_MAX);
    passes.push(PassDraft {
        name: LAST.to_owned(),
        equal: vec!["amount"],
        within: near(wide.or(days)),
        suggests: true,
        why: match wide {
            Some(wide) => format!("the same amount, the right one {}", wide.text()),
            None => format!("the same amount{}, but texts that differ", near_text(measured)),
        },
        ..PassDraft::default()
    });
}

fn less_a_fee(roles: &Roles, (fee, days): (&Fee, Days), number: usize, similar: &[Value]) -> PassDraft {
    let Fee { direction, percent, pairs, of, .. } = fee;
    let mut within = vec![json!({ "column": "amount", *direction: format!("{percent}%") })];
    within.extend(roles.date.as_ref().map(|_| days.to_json()));
    let words = roles.words.as_ref().map_or("description", |words| words.name);
    let filter = |text: &String| json!({ "side": "left", "column": words, "is": text });
    let name = if number == 0 { "less a fee".to_owned() } else { format!("less a fee ({})", number + 1) };
    let whose = of.as_ref().map_or_else(String::new, |text| format!(" of `{text}`"));
    PassDraft {
        name,
        filters: of.iter().map(filter).collect(),
        within,
        similar: similar.to_vec(),
        // A rate that many share may be anybody's difference: a person decides.
        suggests: of.is_none() || roles.undated,
        why: format!(
            "{pairs} pairs{whose} differ by about the same part: the right amount is up to {percent} % {direction} the left one"
        ),
        ..PassDraft::default()
    }
}

/// Why a person decides where dates are there but cannot be compared: what is paid every month is paid in another one.
fn undated(roles: &Roles) -> &'static str {
    if roles.undated { "; the dates that both sides have cannot be compared" } else { "" }
}

/// With nothing but amounts and dates. Where nearly all rows that belong together have the same reference, the others
/// have another one, and a person decides about them. So does one where nothing was seen to speak for amounts but
/// themselves: the same price is paid by many.
fn without_words(roles: &Roles, measured: &Measured, passes: &mut Vec<PassDraft>) {
    let covered = roles.reference.as_ref().is_some_and(|reference| reference.covered >= COVERED_MIN);
    let alone = roles.reference.is_none() && !roles.amount.as_ref().is_some_and(|amount| amount.witnessed);
    let suggests = covered || alone || roles.undated;
    let though = match (covered, alone) {
        (true, _) => ", though not the same reference",
        (false, true) => ", and nothing else to tell by",
        (false, false) => "",
    };
    let Some(days) = measured.days else {
        let dates = if roles.undated { undated(roles) } else { "; there is no date to compare" };
        passes.push(PassDraft {
            name: "amount".to_owned(),
            equal: vec!["amount"],
            suggests,
            why: format!("the same amount{though}{dates}"),
            ..PassDraft::default()
        });
        return;
    };
    passes.push(PassDraft {
        name: "amount and date".to_owned(),
        equal: vec!["amount", "date"],
        suggests,
        why: format!("the same amount on the same day{though}"),
        ..PassDraft::default()
    });
    if let Some(days) = unseen(measured, DAYS_UNSEEN_MAX) {
        passes.push(PassDraft {
            name: "amount near date".to_owned(),
            equal: vec!["amount"],
            within: vec![days.to_json()],
            suggests: true,
            why: format!("the same amount, the right one {}", days.text()),
            ..PassDraft::default()
        });
    } else if days != Days::default() {
        passes.push(PassDraft {
            name: "amount near date".to_owned(),
            equal: vec!["amount"],
            within: vec![days.to_json()],
            suggests,
            why: format!("the same amount{}{though}", near_text(measured)),
            ..PassDraft::default()
        });
    }
}
