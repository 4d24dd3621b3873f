//! The words of `recon match`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use recon_contract::ResultFormat;

use super::FormatArgs;

/// Reconcile two files, with no server.
#[derive(Debug, Args)]
#[command(after_long_help = "\
EXAMPLES
  recon match bank.csv ledger.csv
  recon match bank.csv ledger.csv --rules rules.toml
  recon match bank.csv ledger.csv --rules rules.toml --out out --format json
  recon match bank.csv ledger.csv --rules rules.toml --out out --out-format parquet

EXIT STATUS
  0  every row is matched, or at most --max-breaks rows are left
  1  breaks, suggestions or rejected rows remain
  2  it could not run: the message says why")]
pub(crate) struct MatchArgs {
    /// The left file, for example the bank statement.
    pub left: PathBuf,
    /// The right file, for example the ledger.
    pub right: PathBuf,
    /// The rule document, TOML or JSON. Without it, rules are suggested, shown with what speaks for them, and used.
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// A folder for matches, breaks, rejected rows, summary.json and rules.toml; made when it does not exist. What an
    /// earlier run left there in another format is removed.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The format of the result files.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = OutFormat::Csv)]
    pub out_format: OutFormat,
    #[command(flatten)]
    pub format: FormatArgs,
    /// Exit with 0 when at most this many rows of both sides together are left unmatched, rejected ones included.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub max_breaks: u64,
    /// How many threads compute; the result is the same with any number. Default: one for each core.
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
}

/// The format of result files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutFormat {
    /// One line a row, safe to open in a spreadsheet.
    Csv,
    /// One array of objects.
    Json,
    /// One line a row, with typed columns: decimals, dates, points in time.
    Parquet,
}

impl From<OutFormat> for ResultFormat {
    fn from(format: OutFormat) -> Self {
        match format {
            OutFormat::Csv => Self::Csv,
            OutFormat::Json => Self::Json,
            OutFormat::Parquet => Self::Parquet,
        }
    }
}
