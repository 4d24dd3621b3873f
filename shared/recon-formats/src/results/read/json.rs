//! Result files in JSON: an array of which every object stands on a line of its own.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;

use recon_contract::{Nearest, Rejection, RowValues, Values, Variance};
use recon_domain::{BreakKind, MatchStatus, Side};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::super::view::failed_text;
use super::{Boxed, BreakLine, Cells, Error, Found, MatchLine, cut_short};
use crate::rejections_parquet::Rejected;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Match {
    r#match: u64,
    pass: String,
    #[serde(deserialize_with = "word")]
    status: MatchStatus,
    ambiguity: u64,
    left: Vec<RowValues>,
    right: Vec<RowValues>,
    variance: Variance,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Break {
    #[serde(deserialize_with = "word")]
    side: Side,
    #[serde(deserialize_with = "word")]
    kind: BreakKind,
    row: u64,
    values: Values,
    nearest: Option<Nearest>,
    #[serde(rename = "twin")]
    _twin: Option<u64>,
}

/// The objects of a file.
struct Objects {
    found: Found,
    reader: BufReader<File>,
    line: u64,
    /// What may come next.
    next: Next,
    names: Arc<[String]>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Start,
    First,
    Object,
    End,
    Nothing,
}

pub(super) fn matches(found: &Found) -> Result<Boxed<MatchLine>, Error> {
    let mut objects = Objects::open(found)?;
    let lines = std::iter::from_fn(move || objects.next(match_lines));
    Ok(Box::new(lines.flat_map(|lines| match lines {
        Ok(lines) => lines.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    })))
}

pub(super) fn breaks(found: &Found) -> Result<Boxed<BreakLine>, Error> {
    let mut objects = Objects::open(found)?;
    Ok(Box::new(std::iter::from_fn(move || objects.next(break_line))))
}

pub(super) fn rejected(found: &Found) -> Result<Boxed<Rejected>, Error> {
    let mut objects = Objects::open(found)?;
    Ok(Box::new(std::iter::from_fn(move || objects.next(rejected_line))))
}

fn match_lines(objects: &mut Objects, found: Match) -> Result<Vec<MatchLine>, Error> {
    let mut lines = Vec::with_capacity(found.left.len() + found.right.len());
    for (side, rows) in [(Side::Left, found.left), (Side::Right, found.right)] {
        for row in rows {
            lines.push(MatchLine {
                number: found.r#match,
                pass: found.pass.clone(),
                status: found.status,
                ambiguity: found.ambiguity,
                side,
                row: row.row,
                cells: objects.cells(row.values)?,
                variance: found.variance.clone(),
            });
        }
    }
    Ok(lines)
}

fn break_line(objects: &mut Objects, found: Break) -> Result<BreakLine, Error> {
    let cells = objects.cells(found.values)?;
    let nearest = found.nearest.as_ref();
    Ok(BreakLine {
        side: found.side,
        row: found.row,
        kind: found.kind,
        cells,
        nearest_row: nearest.map(|nearest| nearest.row),
        failed: nearest.map(|nearest| failed_text(&nearest.failed)),
        cause: nearest.and_then(|nearest| nearest.cause),
    })
}

fn rejected_line(objects: &mut Objects, found: Rejection) -> Result<Rejected, Error> {
    let Rejection { side, row, line, column, reason, values, raw } = found;
    let text = |(name, value)| match value {
        Value::String(text) => Ok((name, text)),
        _ => Err(objects.fault("a value is no text")),
    };
    let values = values.into_iter().map(text).collect::<Result<_, _>>()?;
    Ok(Rejected { side: Some(side), row, line, column, reason, values, raw })
}

impl Objects {
    fn open(found: &Found) -> Result<Self, Error> {
        let reader = BufReader::new(found.open()?);
        let found = Found { path: found.path.clone(), format: found.format };
        Ok(Self { found, reader, line: 0, next: Next::Start, names: Arc::default() })
    }

    fn fault(&self, what: impl Into<String>) -> Error {
        self.found.fault(self.line, what)
    }

    /// The next object; after a fault nothing follows.
    fn next<T: DeserializeOwned, L>(
        &mut self,
        line: impl FnOnce(&mut Self, T) -> Result<L, Error>,
    ) -> Option<Result<L, Error>> {
        let read = self.object().and_then(|text| match text {
            Some(text) => {
                let object = serde_json::from_str(&text).map_err(|error| self.fault(error.to_string()))?;
                line(self, object).map(Some)
            }
            None => Ok(None),
        });
        if read.is_err() {
            self.next = Next::Nothing;
        }
        read.transpose()
    }

    /// The text of the next object.
    fn object(&mut self) -> Result<Option<String>, Error> {
        loop {
            if self.next == Next::Nothing {
                return Ok(None);
            }
            let mut text = String::new();
            self.line += 1;
            match self.reader.read_line(&mut text) {
                Ok(0) => return Err(self.found.unreadable(cut_short())),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    return Err(self.fault("this is not UTF-8"));
                }
                Err(error) => return Err(self.found.unreadable(error)),
            }
            let text = text.trim_end();
            match (self.next, text) {
                (Next::Start, "[") => self.next = Next::First,
                (Next::First | Next::End, "]") => {
                    self.next = Next::Nothing;
                    return Ok(None);
                }
                (Next::First | Next::Object, _) if text.starts_with('{') => {
                    let object = text.strip_suffix(',');
                    self.next = if object.is_some() { Next::Object } else { Next::End };
                    return Ok(Some(object.unwrap_or(text).to_owned()));
                }
                (Next::Start | Next::First | Next::Object | Next::End | Next::Nothing, _) => {
                    let what = "not an array with an object a line, as a run writes it";
                    return Err(self.fault(what));
                }
            }
        }
    }

    /// The cells of a row, which has the columns of those before it.
    fn cells(&mut self, values: Values) -> Result<Cells, Error> {
        if self.names.is_empty() {
            self.names = values.keys().cloned().collect();
        }
        if !values.keys().eq(self.names.iter()) {
            return Err(self.fault("other columns than in the lines before"));
        }
        let text = |value| match value {
            Value::String(text) => Ok(Some(text)),
            Value::Null => Ok(None),
            _ => Err(self.fault("a value is neither a text nor null")),
        };
        let texts = values.into_iter().map(|(_, value)| text(value)).collect::<Result<_, _>>()?;
        Ok(Cells { names: self.names.clone(), texts })
    }
}

fn word<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}
