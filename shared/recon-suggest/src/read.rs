//! Cells as values that can be compared across files.

use recon_domain::{DateOrder, Normalize, Role, RoleType, Source};
use recon_engine::text;
use recon_formats::cell::date;
use recon_formats::cell::number::{self, Marks};
use regex::Regex;

/// Digits after the point of all numbers that are compared.
pub(crate) const NUMBER_SCALE: u8 = 6;

/// The steps after which a reference reads the same however it is punctuated.
pub(crate) const AS_REFERENCE: &[Normalize] = &[Normalize::Upper, Normalize::Alphanumeric];
/// The same without zeros at the start.
pub(crate) const AS_NUMBER: &[Normalize] =
    &[Normalize::Upper, Normalize::Alphanumeric, Normalize::StripLeadingZeros];
/// The steps after which names and descriptions are compared.
pub(crate) const AS_WORDS: &[Normalize] =
    &[Normalize::Upper, Normalize::Accents, Normalize::Whitespace, Normalize::LegalSuffixes];

/// A number in millionths.
pub(crate) fn number(cell: &str, marks: Marks) -> Option<i128> {
    number::parse(cell, marks).ok()?.at_scale(NUMBER_SCALE).ok()
}

/// The number of a day.
pub(crate) fn day(cell: &str, order: DateOrder) -> Option<i32> {
    date::parse(cell, order).ok().map(|day| day.number())
}

/// Prepares texts as a role with this pattern and these steps does.
pub(crate) struct Preparer(Role);

impl Preparer {
    pub(crate) fn new(extract: Option<Regex>, normalize: &[Normalize]) -> Self {
        Self(Role {
            name: String::new(),
            kind: RoleType::Text,
            sources: [Source::Absent, Source::Absent],
            negate: [false; 2],
            formats: [None, None],
            extract,
            values: Vec::new(),
            normalize: normalize.to_vec(),
        })
    }

    /// The prepared text; empty where nothing is left.
    pub(crate) fn prepare(&self, cell: &str, out: &mut String) {
        text::prepare(&self.0, cell, out);
    }

    /// The prepared text.
    pub(crate) fn prepared(&self, cell: &str) -> String {
        let mut out = String::new();
        self.prepare(cell, &mut out);
        out
    }
}
