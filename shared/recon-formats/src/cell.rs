//! Cells: how a text reads as a number, a date or a point in time.
//!
//! Detection and typing use the same functions, so what a profile says fits is what a run can read.

pub mod date;
pub mod number;
mod time;
pub mod timestamp;

/// Blanks that stand in and around numbers: the space, the no-break spaces and the thin space.
pub(crate) const fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\u{A0}' | '\u{2009}' | '\u{202F}' | '\u{2007}')
}

/// Whether a cell is a number, a date or a point in time in any of the forms that are read.
pub(crate) fn is_value(cell: &str) -> bool {
    number::Fit::of(cell).is_number() || !date::orders(cell).is_empty() || timestamp::parse(cell).is_ok()
}
