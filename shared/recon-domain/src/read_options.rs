//! How a file is to be read, as far as somebody said so.

use crate::Currency;
use crate::spelling::spelling;

/// The order of day, month and year in numeric dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// 31/12/2026.
    Dmy,
    /// 12/31/2026.
    Mdy,
    /// 2026-12-31.
    Ymd,
}
spelling!("date order", DateOrder { Dmy => "dmy", Mdy => "mdy", Ymd => "ymd" });

/// What was said about a file. What is `None` is detected and shown with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// The byte between fields.
    pub delimiter: Option<u8>,
    /// The byte around fields that hold delimiters.
    pub quote: Option<u8>,
    /// A WHATWG encoding label such as `utf-8` or `windows-1252`.
    pub encoding: Option<String>,
    /// The line of the header, counted from 1; 0 says that there is none (columns are then `column_1`, …).
    pub header_row: Option<u32>,
    /// The mark before the fraction: `.` or `,`.
    pub decimal_mark: Option<char>,
    /// The mark between thousands.
    pub thousands_mark: Option<char>,
    /// The order of numeric dates.
    pub date_order: Option<DateOrder>,
    /// The currency of every row, where no column says it.
    pub currency: Option<Currency>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Texts that mean an empty cell, beside the empty cell itself.
    pub null_values: Vec<String>,
}
