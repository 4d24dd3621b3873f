//! Reading breaks, one row group after the other.

use std::fs::File;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::super::cells::Scratch;
use super::super::columns::ResultColumn;
use super::super::csv::{BREAK_LEADING, BREAK_TRAILING};
use super::super::long_parquet::{self, CellsRead, pick, pick_all};
use super::super::read::{BreakLine, Cells};
use crate::parquet_columns::{lines, owned};

/// Reads a file of breaks.
pub(in crate::results) struct Reader {
    file: SerializedFileReader<File>,
    columns: Vec<ResultColumn>,
}

impl Reader {
    pub(in crate::results) fn open(file: File) -> Result<Self, ParquetError> {
        let file = SerializedFileReader::new(file)?;
        let metadata = file.metadata().file_metadata();
        let columns = long_parquet::columns(metadata).ok_or_else(|| odd("no file of breaks"))?;
        let expected = BREAK_LEADING.len() + columns.len() + BREAK_TRAILING.len();
        if metadata.schema_descr().num_columns() != expected {
            return Err(odd("other columns than its metadata tells"));
        }
        Ok(Self { file, columns })
    }

    pub(in crate::results) fn columns(&self) -> &[ResultColumn] {
        &self.columns
    }

    /// How many row groups there are.
    pub(in crate::results) fn groups(&self) -> usize {
        self.file.num_row_groups()
    }

    /// The breaks of a row group.
    pub(in crate::results) fn group(
        &self,
        index: usize,
        names: &Arc<[String]>,
        scratch: &mut Scratch,
    ) -> Result<Vec<BreakLine>, ParquetError> {
        let group = self.file.get_row_group(index)?;
        let group = &*group;
        let all = 0..lines(group);
        let all = std::slice::from_ref(&all);
        let words = |column| pick_all::<ByteArrayType>(group, column, all);
        let (first, after) = (BREAK_LEADING.len(), BREAK_LEADING.len() + self.columns.len());
        let (sides, rows, kinds) = (words(0)?, pick_all::<Int64Type>(group, 1, all)?, words(2)?);
        let cells = (first..after).map(|column| CellsRead::read(group, column, all));
        let cells = cells.collect::<Result<Vec<_>, _>>()?;
        let nearest = pick::<Int64Type>(group, after, all)?;
        let failed = pick::<ByteArrayType>(group, after + 1, all)?;
        let causes = pick::<ByteArrayType>(group, after + 2, all)?;
        let line = |at: usize| -> Result<BreakLine, ParquetError> {
            let texts = cells.iter().map(|cells| scratch.cell(cells.datum(at)).as_str().map(str::to_owned));
            Ok(BreakLine {
                side: parsed(&sides[at])?,
                row: unsigned(rows[at])?,
                kind: parsed(&kinds[at])?,
                cells: Cells::new(names.clone(), texts.collect()),
                nearest_row: nearest[at].map(unsigned).transpose()?,
                failed: failed[at].as_ref().map(owned),
                cause: causes[at].as_ref().map(parsed).transpose()?,
            })
        };
        (0..sides.len()).map(line).collect()
    }
}

fn parsed<T: std::str::FromStr>(word: &ByteArray) -> Result<T, ParquetError> {
    let word = owned(word);
    word.parse().map_err(|_| odd(&format!("unknown word `{word}`")))
}

fn unsigned(row: i64) -> Result<u64, ParquetError> {
    u64::try_from(row).map_err(|_| odd("a row below 1"))
}

fn odd(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}
