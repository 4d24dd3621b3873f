//! The words of `recon verify`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::FormatArgs;

/// Recompute what result files say from the two files they were made of.
#[derive(Debug, Args)]
#[command(after_long_help = "\
EXAMPLES
  recon match bank.csv ledger.csv --rules rules.toml --out out
  recon verify out bank.csv ledger.csv

EXIT STATUS
  0  everything agrees
  1  something differs: it is listed
  2  it could not run: the message says why")]
pub(crate) struct VerifyArgs {
    /// The folder that `recon match --out` wrote.
    pub out: PathBuf,
    /// The left file.
    pub left: PathBuf,
    /// The right file.
    pub right: PathBuf,
    /// How many threads read. Default: one for each core.
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    #[command(flatten)]
    pub format: FormatArgs,
}
