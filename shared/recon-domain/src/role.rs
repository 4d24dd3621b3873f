//! Roles: the mapped columns.

use regex::Regex;

use crate::spelling::spelling;

/// The reserved role of amounts: control totals and amount variances are taken from it.
pub const AMOUNT: &str = "amount";
/// The reserved role of currencies: it takes part in every block.
pub const CURRENCY: &str = "currency";
/// The reserved role of dates: day variances are taken from it.
pub const DATE: &str = "date";

/// The index of a role in [`RuleSet::roles`](crate::RuleSet::roles), and of its column in every table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleId(pub u16);

impl RoleId {
    /// As an index.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// What the cells of a role are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoleType {
    /// A number with a fraction.
    Decimal,
    /// A calendar date.
    Date,
    /// A point in time.
    Timestamp,
    /// Text.
    Text,
    /// A whole number.
    Integer,
}
spelling!("column type", RoleType {
    Decimal => "decimal", Date => "date", Timestamp => "timestamp", Text => "text", Integer => "integer",
});

/// A step of text normalisation. Steps act in the order the document lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Normalize {
    /// Removes white space at both ends.
    Trim,
    /// Upper case.
    Upper,
    /// Lower case.
    Lower,
    /// Keeps letters and digits only.
    Alphanumeric,
    /// Removes zeros at the start.
    StripLeadingZeros,
    /// Removes accents.
    Accents,
    /// Removes legal forms of companies (Ltd, GmbH, Inc, …) at the end.
    LegalSuffixes,
    /// Makes each run of white space one blank.
    Whitespace,
}
spelling!("normalisation", Normalize {
    Trim => "trim",
    Upper => "upper",
    Lower => "lower",
    Alphanumeric => "alphanumeric",
    StripLeadingZeros => "strip_leading_zeros",
    Accents => "accents",
    LegalSuffixes => "legal_suffixes",
    Whitespace => "whitespace",
});

/// Where a role's cells come from on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A column of the file.
    Column(String),
    /// Credit minus debit; an empty cell counts as zero, both empty as an empty amount.
    DebitCredit {
        /// The column of debits.
        debit: String,
        /// The column of credits.
        credit: String,
    },
    /// No column: only for the currency, which then comes from the file's options or the default.
    Absent,
}

impl Source {
    /// The columns it reads.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let (first, second) = match self {
            Self::Column(name) => (Some(name), None),
            Self::DebitCredit { debit, credit } => (Some(debit), Some(credit)),
            Self::Absent => (None, None),
        };
        first.into_iter().chain(second).map(String::as_str)
    }
}

/// A mapped column: what it is called in the rules, and how each side's cells become its values.
#[derive(Debug, Clone)]
pub struct Role {
    /// The name in the rules.
    pub name: String,
    /// What its cells are.
    pub kind: RoleType,
    /// Source of the left and the right side's cells.
    pub sources: [Source; 2],
    /// Whether the left and the right side's numbers change their sign.
    pub negate: [bool; 2],
    /// A strptime format for the left and the right side's dates; detected where `None`.
    pub formats: [Option<String>; 2],
    /// Text: keeps the first group (or the whole match); no match is an empty cell.
    pub extract: Option<Regex>,
    /// Text: replacements of whole values, after `extract`.
    pub values: Vec<(String, String)>,
    /// Text: normalisation, after `values`.
    pub normalize: Vec<Normalize>,
}
