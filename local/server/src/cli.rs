//! The command line's words.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Reconciles two sets of records and explains every row of both.
#[derive(Debug, Parser)]
#[command(name = "recon", version, propagate_version = true, max_term_width = 110)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the HTTP API, and on SQLite work off the jobs too.
    ///
    /// Reads its configuration from the environment; `recon config` shows it.
    Serve,
    /// Reconcile two files, with no server.
    Match(MatchArgs),
    /// Bring the database's schema to the one this version needs.
    Migrate,
    /// Accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Show the effective configuration, without secrets.
    Config(FormatArgs),
}

/// Reconcile two files, with no server.
#[derive(Debug, Args)]
#[command(after_long_help = "\
EXAMPLES
  recon match bank.csv ledger.csv --rules rules.toml
  recon match bank.csv ledger.csv --rules rules.toml --out out --format json

EXIT STATUS
  0  every row is matched, or at most --max-breaks rows are left
  1  breaks, suggestions or rejected rows remain
  2  it could not run: the message says why")]
pub(crate) struct MatchArgs {
    /// The left file, for example the bank statement.
    pub left: PathBuf,
    /// The right file, for example the ledger.
    pub right: PathBuf,
    /// The rule document, TOML or JSON.
    #[arg(long, value_name = "FILE")]
    pub rules: PathBuf,
    /// A folder for matches, breaks, rejected rows, summary.json and rules.toml; made when it does not exist.
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

/// How to print.
#[derive(Debug, Args)]
pub(crate) struct FormatArgs {
    /// What to print on standard output.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// What to print on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// The format of result files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutFormat {
    /// One line a row, safe to open in a spreadsheet.
    Csv,
    /// One array of objects.
    Json,
}

/// Accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Add a user; prints a password made for them, once.
    ///
    /// The first admin of an installation is made this way.
    Add(UserAddArgs),
}

/// Add a user.
#[derive(Debug, Args)]
pub(crate) struct UserAddArgs {
    /// The email they sign in with, unique over the installation.
    pub email: String,
    /// viewer reads; preparer also writes; approver also writes off and deletes; admin also manages users.
    #[arg(long, default_value = "viewer")]
    pub role: recon_domain::UserRole,
    /// The workspace they belong to; made when there is none of this name.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub workspace: String,
    /// Read the password from the first line of standard input, instead of making one.
    #[arg(long)]
    pub password_stdin: bool,
    #[command(flatten)]
    pub format: FormatArgs,
}
