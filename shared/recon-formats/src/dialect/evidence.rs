//! What was decided, in sentences.

use recon_domain::ReadOptions;

use super::attempt::{Attempt, Sampled};

impl Attempt<'_> {
    pub(super) fn delimiter_evidence(&self, options: &ReadOptions, told: bool) -> String {
        let name = delimiter_name(self.marks.delimiter);
        if options.delimiter.is_some() {
            format!("delimiter {name}: as told")
        } else if told {
            format!("delimiter {name}: the first line says so")
        } else {
            format!(
                "delimiter {name}: {} of the first {} rows have {} fields",
                self.agreeing, self.counted, self.width
            )
        }
    }

    /// Where a blank stands before a quote: many people take such a field for a quoted one.
    pub(super) fn late_quote_evidence(&self) -> Option<String> {
        let quote = self.marks.quote;
        let is_late = |row: &&Sampled| {
            let is_late =
                |bytes: &[u8]| bytes.starts_with(b" ") && bytes.trim_ascii_start().first() == Some(&quote);
            row.fields.iter().any(|field| is_late(self.bytes(row, field)))
        };
        let row = self.rows.iter().find(is_late)?;
        let (quote, line) = (char::from(quote), row.line);
        Some(format!(
            "quote `{quote}`: a blank stands before it on line {line}, which makes it part of the text there"
        ))
    }

    pub(super) fn header_evidence(&self, options: &ReadOptions, header: Option<&Sampled>) -> String {
        match header {
            Some(_) if options.header_row.is_some() => "header: as told".to_owned(),
            None if options.header_row.is_some() => "no header: as told; columns are numbered".to_owned(),
            None => "no header: no row before the data looks like names; columns are numbered (say `header_row` to change that)".to_owned(),
            Some(row) if row.line == 1 => "header on line 1: all its cells are texts".to_owned(),
            Some(row) if row.line == 2 => "header on line 2: the first row as wide as the rest whose cells are all texts; line 1 before it is left out".to_owned(),
            Some(row) => format!(
                "header on line {}: the first row as wide as the rest whose cells are all texts; lines 1 to {} before it are left out",
                row.line, row.line - 1
            ),
        }
    }
}

/// The word people use for a delimiter.
fn delimiter_name(delimiter: u8) -> String {
    match delimiter {
        b'\t' => "tab".to_owned(),
        other => format!("`{}`", char::from(other)),
    }
}
