//! Rules against the columns that the files really have.

use recon_domain::{RuleSet, Side, Source};

use crate::document::{Faults, child, nearest, quoted};
use crate::problem::{FieldCode, FieldErrors};

/// Checks that every mapped column is in its file's header.
///
/// # Errors
/// Every column that is not there, with the nearest one that is, or that is there more than once.
pub fn check_columns(rules: &RuleSet, left: &[String], right: &[String]) -> Result<(), FieldErrors> {
    let faults = Faults::default();
    for role in &rules.roles {
        let place = child("/columns", &role.name);
        for (side, header) in [(Side::Left, left), (Side::Right, right)] {
            let check = |field: &str, column: &str| {
                check_column(&faults, &format!("{place}/{side}{field}"), column, (side, header));
            };
            match &role.sources[side as usize] {
                Source::Absent => {}
                Source::Column(column) => check("", column),
                Source::DebitCredit { debit, credit } => {
                    check("_debit", debit);
                    check("_credit", credit);
                }
            }
        }
    }
    faults.settle(Some(()))
}

fn check_column(faults: &Faults, place: &str, column: &str, (side, header): (Side, &[String])) {
    let named = quoted(column);
    match header.iter().filter(|name| *name == column).count() {
        1 => {}
        0 => {
            let hint = match nearest(column, header.iter().map(String::as_str)) {
                Some(name) => format!("; the nearest is `{}`", quoted(name)),
                None => "; it has none at all".to_owned(),
            };
            let detail = format!("the {side} file has no column `{named}`{hint}");
            faults.push(place, FieldCode::UnknownColumn, detail);
        }
        count => {
            let detail =
                format!("the {side} file has {count} columns `{named}`, so it is not clear which is meant");
            faults.push(place, FieldCode::Conflict, detail);
        }
    }
}
