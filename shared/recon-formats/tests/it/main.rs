//! Files to entries and results to files, from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod currencies;
mod mapping;
mod preambles;
mod properties;
mod raw_lines;
mod reading;
mod result_files;
mod results;
mod storing;

use std::io::Cursor;
use std::num::NonZeroUsize;

use recon_domain::{ReadOptions, Role, RoleType, RuleSet, Source};
use recon_formats::mapping::{Error, Input, map_both};
use recon_formats::{BatchSource, Keep, Mapped, Profile, TextBatch, TextReader, text_reader};

/// Opens bytes as a file.
fn open(bytes: &[u8], options: &ReadOptions) -> Result<TextReader, text_reader::Error> {
    TextReader::new(Cursor::new(bytes.to_vec()), options, &Keep::All)
}

/// All rows of a source, in one batch.
fn all_rows(source: &mut dyn BatchSource) -> TextBatch {
    let mut all: Option<TextBatch> = None;
    while let Some(batch) = source.next_batch().unwrap() {
        let Some(all) = &mut all else {
            all = Some(batch);
            continue;
        };
        all.rows.extend(batch.rows);
        all.lines.extend(batch.lines);
        all.contents.extend(batch.contents);
        all.rejected.extend(batch.rejected);
        for (column, more) in all.columns.iter_mut().zip(&batch.columns) {
            more.iter().for_each(|cell| column.push(cell));
        }
    }
    all.unwrap_or_default()
}

/// What all rows of a source show.
fn profile(source: &mut dyn BatchSource) -> Profile {
    source.profile(&|_, _| true).unwrap().unwrap()
}

/// The cells of a batch by rows.
fn cells(batch: &TextBatch) -> Vec<Vec<String>> {
    (0..batch.len())
        .map(|row| batch.columns.iter().map(|column| column.get(row).to_owned()).collect())
        .collect()
}

/// A role that reads the column of its own name on both sides.
fn role(name: &str, kind: RoleType) -> Role {
    let source = Source::Column(name.to_owned());
    Role {
        name: name.to_owned(),
        kind,
        sources: [source.clone(), source],
        negate: [false; 2],
        formats: [None, None],
        extract: None,
        values: Vec::new(),
        normalize: Vec::new(),
    }
}

/// Rules of these roles, without passes.
fn rules(roles: Vec<Role>) -> RuleSet {
    RuleSet {
        default_currency: None,
        options: [ReadOptions::default(), ReadOptions::default()],
        roles,
        calendars: Vec::new(),
        passes: Vec::new(),
    }
}

/// Maps two files.
fn map(rules: &RuleSet, left: &str, right: &str) -> Result<Mapped, Error> {
    let mut left = open(left.as_bytes(), &rules.options[0]).unwrap();
    let mut right = open(right.as_bytes(), &rules.options[1]).unwrap();
    map_sources(rules, &mut left, &mut right, 1)
}

/// Maps two sources.
fn map_sources(
    rules: &RuleSet,
    left: &mut dyn BatchSource,
    right: &mut dyn BatchSource,
    threads: usize,
) -> Result<Mapped, Error> {
    let left = Input { source: left, options: ReadOptions::default() };
    let right = Input { source: right, options: ReadOptions::default() };
    map_both(rules, left, right, NonZeroUsize::new(threads).unwrap(), &|_, _, _| true)
}
