//! Debits and credits that are written with a sign: whether a run reads them as what their column says.

use recon_contract::rules;
use recon_engine::Table;

use crate::Error;
use crate::columns::{Column, Columns};
use crate::document::{PassDraft, document};
use crate::evidence::Findings;
use crate::roles::{Roles, Source};
use crate::score::SCORE_MAX;
use crate::trial::Trial;

const SIDES: [&str; 2] = ["left", "right"];

/// Says how columns of debits or credits without a number above zero are read; asks for another file where a run would take
/// their signs for the opposite of what they say.
pub(crate) fn check(
    trial: &Trial<'_>,
    columns: &Columns<'_>,
    roles: &Roles,
    findings: &mut Findings,
) -> Result<(), Error> {
    let Some(amount) = roles.amount.as_ref().filter(|amount| amount.negative.iter().any(|of| !of.is_empty()))
    else {
        return Ok(());
    };
    let pass = PassDraft { name: "signs".to_owned(), equal: vec!["amount"], ..PassDraft::default() };
    let Ok(rules) = rules::from_json(&document(trial.samples, roles, &[pass])) else { return Ok(()) };
    let mapped = trial.map(&rules)?;
    let Some(role) = rules.role(recon_domain::AMOUNT) else { return Ok(()) };
    for (side, table) in [&mapped.left, &mapped.right].into_iter().enumerate() {
        let Source::DebitCredit(debit, credit) = amount.sources[side] else { continue };
        for (part, place, other) in [("debit", debit, credit), ("credit", credit, debit)] {
            if !amount.negative[side].contains(&place) {
                continue;
            }
            let find = |place: usize| columns.sides[side].iter().find(|column| column.place == place);
            let Some((own, other)) = find(place).zip(find(other)) else { continue };
            let is_negated = amount.negate && side == 1;
            let read = sign(columns, side, (own, other), table, role.index());
            let subject = format!("/columns/amount/{}_{part}", SIDES[side]);
            // Debits make the amount less, credits more.
            if read.is_none_or(|is_above| is_above == ((part == "credit") != is_negated)) {
                let text = format!(
                    "no number in `{}` is above zero: they are read as {part}s, as the column says, and not as their opposite",
                    own.name
                );
                findings.tell(subject, text, SCORE_MAX);
            } else {
                let text = format!(
                    "how are the signs in `{}` to be read? None of its numbers is above zero, and an amount is credit minus debit, so each of them would be taken for the opposite of a {part}. \
                     Answer by a file without these signs, or by one column of amounts with signs as `{}` in [columns.amount]",
                    own.name, SIDES[side]
                );
                findings.require(subject, text, Vec::new());
            }
        }
    }
    Ok(())
}

/// Whether a run takes a row that only `own` has a number in for more than zero; `None` where there is no such row.
fn sign(
    columns: &Columns<'_>,
    side: usize,
    (own, other): (&Column, &Column),
    table: &Table,
    role: usize,
) -> Option<bool> {
    let has = |column: &Column, row: usize| column.numbers[row].is_some_and(|units| units != 0);
    let row = (0..own.numbers.len()).find(|row| has(own, *row) && !has(other, *row))?;
    let number = *columns.samples[side].rows.rows.get(row)?;
    let entry = table.rows.iter().position(|row| *row == number)?;
    match table.columns.get(role)? {
        recon_engine::Column::Number { units, .. } => units.get(entry).map(|units| *units > 0),
        recon_engine::Column::Day(_)
        | recon_engine::Column::Instant(_)
        | recon_engine::Column::Text { .. } => None,
    }
}
