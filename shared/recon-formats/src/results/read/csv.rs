//! Result files in CSV.

use std::fs::File;
use std::io::{BufReader, Read};
use std::str::FromStr;
use std::sync::Arc;

use csv::{Reader, ReaderBuilder, StringRecord};
use recon_contract::Variance;
use serde_json::{Map, Value};

use super::super::csv::{BREAK_LEADING, BREAK_TRAILING};
use super::super::matches_parquet::{LEADING, TRAILING};
use super::{Boxed, BreakLine, Cells, Error, Found, MatchLine};
use crate::rejections_parquet::{COLUMNS, Rejected};

/// The records of a file after its header.
struct Records {
    found: Found,
    reader: Reader<BufReader<File>>,
    header: StringRecord,
}

/// A record with the means to say what is wrong with it.
struct Fields<'a> {
    found: &'a Found,
    record: &'a StringRecord,
    line: u64,
}

pub(super) fn matches(found: &Found) -> Result<Boxed<MatchLine>, Error> {
    let records = Records::open(found)?;
    let names = records.roles(&LEADING, &TRAILING)?;
    Ok(records.read(move |fields| {
        let (roles, after) = (LEADING.len(), LEADING.len() + names.len());
        Ok(MatchLine {
            number: fields.parsed(0, "match")?,
            pass: fields.text(1).to_owned(),
            status: fields.parsed(2, "status")?,
            ambiguity: fields.parsed(3, "ambiguity")?,
            side: fields.parsed(4, "side")?,
            row: fields.parsed(5, "row")?,
            cells: fields.cells(roles, &names),
            variance: Variance {
                amount: fields.optional(after),
                days: fields.optional_parsed(after + 1, "variance_days")?,
            },
        })
    }))
}

pub(super) fn breaks(found: &Found) -> Result<Boxed<BreakLine>, Error> {
    let records = Records::open(found)?;
    let names = records.roles(&BREAK_LEADING, &BREAK_TRAILING)?;
    Ok(records.read(move |fields| {
        let (roles, after) = (BREAK_LEADING.len(), BREAK_LEADING.len() + names.len());
        Ok(BreakLine {
            side: fields.parsed(0, "side")?,
            row: fields.parsed(1, "row")?,
            kind: fields.parsed(2, "kind")?,
            cells: fields.cells(roles, &names),
            nearest_row: fields.optional_parsed(after, "nearest_row")?,
            failed: fields.optional(after + 1),
            cause: fields.optional_parsed(after + 2, "cause")?,
        })
    }))
}

pub(super) fn rejected(found: &Found) -> Result<Boxed<Rejected>, Error> {
    let records = Records::open(found)?;
    if records.header.iter().ne(COLUMNS) {
        return Err(found.fault(1, format!("the header is not `{}`", COLUMNS.join(","))));
    }
    Ok(records.read(|fields| {
        Ok(Rejected {
            side: fields.optional_parsed(0, "side")?,
            row: fields.parsed(1, "row")?,
            line: fields.parsed(2, "line")?,
            column: fields.optional(3),
            reason: fields.text(4).to_owned(),
            values: fields.values(5)?,
            raw: fields.optional(6),
        })
    }))
}

impl Records {
    fn open(found: &Found) -> Result<Self, Error> {
        let file = BufReader::new(found.open()?);
        let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
        let found = Found { path: found.path.clone(), format: found.format };
        let header = next(&found, &mut reader)?.ok_or_else(|| found.fault(1, "the header is missing"))?;
        Ok(Self { found, reader, header })
    }

    /// The names between those before and those after the roles.
    fn roles(&self, before: &[&str], after: &[&str]) -> Result<Arc<[String]>, Error> {
        let header: Vec<&str> = self.header.iter().collect();
        let between = header.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        let names = between.ok_or_else(|| {
            let (before, after) = (before.join(","), after.join(","));
            self.found.fault(1, format!("the header is not `{before},…,{after}`"))
        })?;
        Ok(names.iter().copied().map(str::to_owned).collect())
    }

    fn read<T: 'static>(mut self, line: impl Fn(&Fields<'_>) -> Result<T, Error> + 'static) -> Boxed<T> {
        Box::new(std::iter::from_fn(move || {
            let record = match next(&self.found, &mut self.reader) {
                Ok(record) => record?,
                Err(error) => return Some(Err(error)),
            };
            let at = record.position().map_or(0, csv::Position::line);
            let (expected, there) = (self.header.len(), record.len());
            if there != expected {
                let what = format!("{there} fields, and the header has {expected}");
                return Some(Err(self.found.fault(at, what)));
            }
            Some(line(&Fields { found: &self.found, record: &record, line: at }))
        }))
    }
}

fn next(found: &Found, reader: &mut Reader<impl Read>) -> Result<Option<StringRecord>, Error> {
    let mut record = StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(there) => Ok(there.then_some(record)),
        Err(error) => match error.position().map(csv::Position::line) {
            Some(line) => Err(found.fault(line, "this is not UTF-8")),
            None => Err(found.unreadable(error)),
        },
    }
}

impl Fields<'_> {
    fn text(&self, at: usize) -> &str {
        self.record.get(at).unwrap_or("")
    }

    fn optional(&self, at: usize) -> Option<String> {
        Some(self.text(at).to_owned()).filter(|text| !text.is_empty())
    }

    fn parsed<T: FromStr>(&self, at: usize, name: &str) -> Result<T, Error> {
        let text = self.text(at);
        text.parse().map_err(|_| self.found.fault(self.line, format!("`{text}` is no {name}")))
    }

    fn optional_parsed<T: FromStr>(&self, at: usize, name: &str) -> Result<Option<T>, Error> {
        if self.text(at).is_empty() { Ok(None) } else { self.parsed(at, name).map(Some) }
    }

    fn cells(&self, start: usize, names: &Arc<[String]>) -> Cells {
        let texts = (start..start + names.len()).map(|at| self.optional(at)).collect();
        Cells { names: names.clone(), texts }
    }

    fn values(&self, at: usize) -> Result<Vec<(String, String)>, Error> {
        let fault = || self.found.fault(self.line, "the values are no JSON object of texts");
        let values: Map<String, Value> = serde_json::from_str(self.text(at)).map_err(|_| fault())?;
        let text = |(name, value)| match value {
            Value::String(text) => Ok((name, text)),
            _ => Err(fault()),
        };
        values.into_iter().map(text).collect()
    }
}
