//! Passes, strictest first, with tolerances that were measured and only those that match something.

mod probe;

use recon_contract::ExpectedPass;
use serde_json::{Value, json};

use crate::Error;
use crate::document::{PassDraft, document};
use crate::evidence::Findings;
use crate::measure::{Days, Fee};
use crate::roles::Roles;
use crate::score::{Score, share_of};
use crate::trial::{Ran, Trial};
use probe::Measured;

/// The share of the smaller side's rows that rules must match in the sample; less is taken for chance.
pub const RELATED_MIN: u16 = 500;
/// The share of rows with a known reference from which on rows without one are exceptions.
const COVERED_MIN: Score = 8_000;
/// The name of the pass about whose matches a person decides.
const LAST: &str = "amount near date to be judged";

/// What comes of it.
pub(crate) struct Found {
    pub(crate) rules: Option<Value>,
    pub(crate) draft: Option<Value>,
    pub(crate) expected: Vec<ExpectedPass>,
}

/// Makes the rules for these roles and tries them.
pub(crate) fn find(trial: &Trial<'_>, roles: &Roles, findings: &mut Findings) -> Result<Found, Error> {
    if roles.amount.is_none() && roles.reference.is_none() {
        ask_for_roles(trial, findings);
        return Ok(without_rules(trial, roles, Vec::new()));
    }
    let measured = probe::measure(trial, roles)?;
    let mut passes = passes(roles, &measured);
    let Some(ran) = trial.document(&document(trial.samples, roles, &passes))? else {
        return Ok(without_rules(trial, roles, Vec::new()));
    };
    let mut expected = ran.expected();
    if !is_related(trial, &ran) {
        let text = format!(
            "are these the right files? With the columns that fit best, the rules would match {} of {} left and {} right rows, which chance explains as well",
            expected.iter().map(|pass| pass.left_matched).sum::<u64>(),
            trial.samples[0].len(),
            trial.samples[1].len()
        );
        findings.ask("", text, Vec::new());
        return Ok(without_rules(trial, roles, expected));
    }
    // What matches nothing is left out: it would only be there to be understood.
    let is_useful = |expected: &ExpectedPass| expected.left_matched > 0;
    let useful: Vec<bool> = expected.iter().map(is_useful).collect();
    let mut keep = useful.iter().copied();
    passes.retain(|_| keep.next().unwrap_or(true));
    expected.retain(is_useful);
    for (number, pass) in passes.iter().enumerate() {
        let [confirmed, suggested] = ran.statuses(&pass.name);
        let text = format!(
            "{}: matches {confirmed} pairs of the sample by itself and leaves {suggested} to a person",
            pass.why
        );
        findings.tell(format!("/passes/{number}"), text, share_of(confirmed, confirmed + suggested));
    }
    let rules = document(trial.samples, roles, &passes);
    Ok(Found { rules: Some(rules), draft: None, expected })
}

fn without_rules(trial: &Trial<'_>, roles: &Roles, expected: Vec<ExpectedPass>) -> Found {
    Found { rules: None, draft: Some(document(trial.samples, roles, &[])), expected }
}

/// Asks for amounts and a reference, unless that was done.
fn ask_for_roles(trial: &Trial<'_>, findings: &mut Findings) {
    let asked = |subject: &str| findings.questions.iter().any(|question| question.subject == subject);
    let (amount, reference) = (asked("/columns/amount"), asked("/columns/reference"));
    let [left, right] = trial.samples;
    let options = || {
        let list = |side: &str, header: &[String]| format!("{side}: `{}`", header.join("`, `"));
        vec![list("left", &left.header), list("right", &right.header)]
    };
    if !amount {
        let text = "which columns hold the amounts, if there are any? None on the left shares numbers with one on the right";
        findings.ask("/columns/amount", text, options());
    }
    if !reference {
        let text = "which columns tell which rows belong together: a reference, a number, a name? None on the left shares values with one on the right";
        findings.ask("/columns/reference", text, options());
    }
}

/// Whether the rules match more than chance would.
fn is_related(trial: &Trial<'_>, ran: &Ran) -> bool {
    let rows = trial.samples[0].len().min(trial.samples[1].len());
    let last = ran.matches_of(LAST).count();
    share_of(ran.outcome.matches.len() - last, rows) >= RELATED_MIN
}

fn passes(roles: &Roles, measured: &Measured) -> Vec<PassDraft> {
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

fn near(days: Option<Days>) -> Vec<Value> {
    days.map(Days::to_json).into_iter().collect()
}

fn near_text(days: Option<Days>) -> String {
    days.map_or_else(String::new, |days| {
        format!(", the right one {}, as pairs that belong together are", days.text())
    })
}

fn amount_within(absolute: &str) -> Value {
    json!({ "column": "amount", "absolute": absolute })
}

fn by_reference_and_amount(measured: &Measured, passes: &mut Vec<PassDraft>) {
    passes.push(PassDraft {
        name: "reference and amount".to_owned(),
        equal: vec!["reference", "amount"],
        within: near(measured.days),
        why: format!("the same reference and amount{}", near_text(measured.days)),
        ..PassDraft::default()
    });
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
            why: format!("the same reference, and texts that are alike{}", near_text(measured.days)),
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
}

fn similar(roles: &Roles) -> Vec<Value> {
    let words = roles.words.iter();
    words
        .map(|words| json!({ "column": words.name, "at_least": words.at_least, "measure": "token_set" }))
        .collect()
}

fn by_amount(roles: &Roles, measured: &Measured, passes: &mut Vec<PassDraft>) {
    let similar = similar(roles);
    let days = measured.days;
    if similar.is_empty() {
        without_words(roles, days, passes);
        return;
    }
    passes.push(PassDraft {
        name: "amount and words".to_owned(),
        equal: vec!["amount"],
        within: near(days),
        similar: similar.clone(),
        why: format!("the same amount, and texts that are alike{}", near_text(days)),
        ..PassDraft::default()
    });
    if let Some((absolute, pairs)) = &measured.rounding_by_words {
        let mut within = vec![amount_within(absolute)];
        within.extend(near(days));
        passes.push(PassDraft {
            name: "rounded amount and words".to_owned(),
            within,
            similar: similar.clone(),
            why: format!(
                "texts that are alike, and amounts up to {absolute} apart, as they are in {pairs} pairs"
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
    passes.push(PassDraft {
        name: LAST.to_owned(),
        equal: vec!["amount"],
        within: near(days),
        suggests: true,
        why: format!("the same amount{}, but texts that differ", near_text(days)),
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
        suggests: of.is_none(),
        why: format!(
            "{pairs} pairs{whose} differ by about the same part: the right amount is up to {percent} % {direction} the left one"
        ),
        ..PassDraft::default()
    }
}

/// With nothing but amounts and dates. Where nearly all rows that belong together have the same reference, the others
/// have another one, and a person decides about them. So does one where nothing was seen to speak for amounts but
/// themselves: the same price is paid by many.
fn without_words(roles: &Roles, days: Option<Days>, passes: &mut Vec<PassDraft>) {
    let covered = roles.reference.as_ref().is_some_and(|reference| reference.covered >= COVERED_MIN);
    let alone = roles.reference.is_none() && !roles.amount.as_ref().is_some_and(|amount| amount.witnessed);
    let suggests = covered || alone;
    let though = match (covered, alone) {
        (true, _) => ", though not the same reference",
        (false, true) => ", and nothing else to tell by",
        (false, false) => "",
    };
    let Some(days) = days.filter(|_| roles.date.is_some()) else {
        passes.push(PassDraft {
            name: "amount".to_owned(),
            equal: vec!["amount"],
            suggests,
            why: format!("the same amount{though}; there is no date to compare"),
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
    if days != Days::default() {
        passes.push(PassDraft {
            name: "amount near date".to_owned(),
            equal: vec!["amount"],
            within: vec![days.to_json()],
            suggests,
            why: format!("the same amount{}{though}", near_text(Some(days))),
            ..PassDraft::default()
        });
    }
}
