//! Passes, strictest first, with tolerances that were measured and only those that match something.

mod drafts;
mod probe;

use recon_contract::ExpectedPass;
use serde_json::Value;

use crate::Error;
use crate::document::{PassDraft, document};
use crate::evidence::Findings;
use crate::roles::Roles;
use crate::score::{Score, share_of};
use crate::trial::{Apart, Ran, Trial};

/// The share of the smaller side's rows that rules must match in the sample; less is taken for chance.
pub const RELATED_MIN: u16 = 500;
/// The share of a pass's matches whose rows must be told from others by all that is mapped, for it to confirm any.
const APART_MIN: Score = 9_900;
/// The same with a reference: what has the same one, amount and day is the same thing, booked twice.
const APART_BY_REFERENCE_MIN: Score = 9_500;
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
    let mut passes = drafts::passes(roles, &measured);
    let Some(ran) = trial.document(&document(trial.samples, roles, &passes))? else {
        return Ok(without_rules(trial, roles, Vec::new()));
    };
    let mut expected = ran.expected();
    // Before a question is answered, chance is no explanation.
    if !findings.is_open && !is_related(trial, &ran) {
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
    let apart = Apart::by_all(&ran);
    for (number, pass) in passes.iter_mut().enumerate() {
        let [confirmed, suggested] = settle(pass, &ran, &apart);
        let text = format!(
            "{}: matches {confirmed} pairs of the sample by itself and leaves {suggested} to a person",
            pass.why
        );
        findings.tell(format!("/passes/{number}"), text, share_of(confirmed, confirmed + suggested));
    }
    if findings.is_open {
        // What is asked for is left out where passes are tried, since nothing would match, and begun in the draft.
        let open =
            Roles { currency: roles.open_currency.clone().or(roles.currency.clone()), ..roles.clone() };
        return Ok(Found { rules: None, draft: Some(document(trial.samples, &open, &passes)), expected });
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

/// Leaves the matches of a pass to a person where too many of their rows can not be told from others, and counts the confirmed
/// and the suggested ones.
fn settle(pass: &mut PassDraft, ran: &Ran, apart: &Apart) -> [usize; 2] {
    let [confirmed, suggested] = ran.statuses(&pass.name);
    let told = ran.confirmed(&pass.name).filter(|found| apart.holds(found)).count();
    let by_reference = pass.equal.contains(&"reference");
    let enough = if by_reference { APART_BY_REFERENCE_MIN } else { APART_MIN };
    if confirmed == 0 || share_of(told, confirmed) >= enough {
        return [confirmed, suggested];
    }
    pass.suggests = true;
    pass.why.push_str(&format!(
        ", but in {} of {confirmed} matches other rows have the same values in all columns that are mapped",
        confirmed - told
    ));
    [0, confirmed + suggested]
}
