//! At which line of its file a record stands.

use std::fmt;

use recon_formats::results::ResultFormat;
use recon_formats::results::read::{Cells, Lines};

/// Counts the records of a result file as its readers do in their errors: by lines of a text, by rows of a table.
pub(super) struct Numbering {
    file: String,
    format: ResultFormat,
    next: Option<u64>,
}

/// Where a record starts.
pub(super) struct At<'a> {
    file: &'a str,
    /// The line, counted from 1.
    pub(super) line: u64,
}

impl Numbering {
    pub(super) fn of<T>(lines: &Lines<T>) -> Self {
        let file = lines.file().file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { file, format: lines.format(), next: None }
    }

    /// The line of the next record, which holds these cells and these other texts.
    pub(super) fn next(&mut self, cells: &Cells, others: &[&str]) -> u64 {
        // Only in CSV do the texts of one record run over several lines.
        let (first, within) = match self.format {
            ResultFormat::Parquet => (1, 0),
            ResultFormat::Json => (2, 0),
            ResultFormat::Csv => {
                let texts = cells.names().iter().filter_map(|name| cells.get(name).flatten());
                (2, line_ends(texts.chain(others.iter().copied())))
            }
        };
        let line = self.next.unwrap_or(first);
        self.next = Some(line + 1 + within);
        line
    }

    /// The place of a line in words.
    pub(super) fn at(&self, line: u64) -> At<'_> {
        At { file: &self.file, line }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)
    }
}

fn line_ends<'t>(texts: impl Iterator<Item = &'t str>) -> u64 {
    let ends = texts.map(|text| text.bytes().filter(|byte| *byte == b'\n').count()).sum::<usize>();
    u64::try_from(ends).unwrap_or(u64::MAX)
}
