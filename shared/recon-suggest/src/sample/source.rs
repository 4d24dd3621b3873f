//! A sample as a source, so that it is mapped exactly as the whole side will be.

use recon_contract::Dialect;
use recon_formats::{BatchSource, Keep, Profile, SourceError, TextBatch};

use super::Sample;

/// Gives the rows of a sample in one batch, with the profile of all rows.
pub(crate) struct SampleSource<'a> {
    sample: &'a Sample,
    kept: Vec<usize>,
    given: bool,
}

impl<'a> SampleSource<'a> {
    pub(crate) fn new(sample: &'a Sample) -> Self {
        Self { sample, kept: Vec::new(), given: false }
    }
}

impl BatchSource for SampleSource<'_> {
    fn header(&self) -> &[String] {
        &self.sample.header
    }

    fn dialect(&self) -> &Dialect {
        &self.sample.profile.dialect
    }

    fn keep(&mut self, keep: &Keep) -> Result<(), SourceError> {
        let place = |name: &String| {
            let place = self.sample.header.iter().position(|column| column == name);
            place.ok_or_else(|| recon_formats::dataset_parquet::Error::NoColumn(name.clone()))
        };
        self.kept = match keep {
            Keep::All => (0..self.sample.header.len()).collect(),
            Keep::Columns(names) => names.iter().map(place).collect::<Result<_, _>>()?,
        };
        self.given = false;
        Ok(())
    }

    fn profile(&mut self, _: &dyn Fn(u64, u64) -> bool) -> Result<Option<Profile>, SourceError> {
        self.given = false;
        Ok(Some(self.sample.profile.clone()))
    }

    fn next_batch(&mut self) -> Result<Option<TextBatch>, SourceError> {
        if std::mem::replace(&mut self.given, true) {
            return Ok(None);
        }
        let rows = &self.sample.rows;
        let columns = self.kept.iter().map(|column| rows.columns[*column].clone()).collect();
        Ok(Some(TextBatch { columns, ..without_columns(rows) }))
    }

    fn position(&self) -> (u64, u64) {
        (u64::from(self.given), 1)
    }
}

fn without_columns(rows: &TextBatch) -> TextBatch {
    TextBatch {
        rows: rows.rows.clone(),
        lines: rows.lines.clone(),
        contents: rows.contents.clone(),
        columns: Vec::new(),
        rejected: Vec::new(),
    }
}
