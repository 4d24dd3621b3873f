//! Rules against the columns that the files really have.

use recon_domain::{RuleSet, Side, Source};

use crate::dataset::Dialect;
use crate::document::{Faults, child, nearest, quoted};
use crate::problem::{FieldCode, FieldError, FieldErrors};

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

/// Says beside each column that is missing how its file's header was read: a column is often missing because another
/// line was taken for the header, or divided by another character.
#[must_use]
pub fn explain_columns(errors: FieldErrors, left: &Dialect, right: &Dialect) -> FieldErrors {
    let explain = |mut error: FieldError| {
        if error.code == FieldCode::UnknownColumn {
            let field = error.pointer.rsplit('/').next().unwrap_or_default();
            let dialect = if field.starts_with(Side::Left.as_str()) { left } else { right };
            error.detail = format!("{}; {}", error.detail, dialect.header_hint());
        }
        error
    };
    FieldErrors(errors.0.into_iter().map(explain).collect())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_column_is_explained_by_the_header_of_its_own_file() {
        let dialect = |delimiter: &str, header_row| Dialect {
            format: "csv".to_owned(),
            encoding: "utf-8".to_owned(),
            delimiter: delimiter.to_owned(),
            quote: "\"".to_owned(),
            header_row,
            evidence: Vec::new(),
        };
        let fault = |pointer, code| FieldError::new(pointer, code, "no");
        let errors = FieldErrors(vec![
            fault("/columns/amount/left_debit", FieldCode::UnknownColumn),
            fault("/columns/left/right", FieldCode::UnknownColumn),
            fault("/columns/amount/left", FieldCode::Conflict),
        ]);
        let explained = explain_columns(errors, &dialect(";", 3), &dialect("\t", 0));
        let options = "`header_row` and `delimiter` in the file's options say it otherwise";
        let details: Vec<_> = explained.0.iter().map(|error| error.detail.as_str()).collect();
        assert_eq!(
            details,
            [
                format!("no; its header was read from line 3, divided by `;`; {options}").as_str(),
                &format!("no; the file was read as one without a header, divided by a tab; {options}"),
                "no",
            ]
        );
    }
}
