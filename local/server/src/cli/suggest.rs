//! The words of `recon suggest`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Format;

/// Suggest rules for two files.
#[derive(Debug, Args)]
#[command(after_long_help = "\
EXAMPLES
  recon suggest bank.csv ledger.csv
  recon suggest bank.csv ledger.csv --out rules.toml
  recon suggest bank.csv ledger.csv --format toml > rules.toml

EXIT STATUS
  0  there are rules; questions may be left
  2  too little can be told for rules, or it could not run: what is printed says what is asked")]
pub(crate) struct SuggestArgs {
    /// The left file, for example the bank statement.
    pub left: PathBuf,
    /// The right file, for example the ledger.
    pub right: PathBuf,
    /// A file for the rules, with the evidence as comments.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What to print on standard output.
    #[arg(long, value_enum, default_value_t = SuggestFormat::Table)]
    pub format: SuggestFormat,
}

/// What `recon suggest` prints on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SuggestFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// The rule file.
    Toml,
}

impl SuggestFormat {
    /// How errors are said.
    pub(crate) const fn of_errors(self) -> Format {
        match self {
            Self::Table | Self::Toml => Format::Table,
            Self::Json => Format::Json,
        }
    }
}
