//! The words of `recon push`.

use std::path::PathBuf;

use clap::Args;

use super::FormatArgs;

/// Reconcile two files on a server.
#[derive(Debug, Args)]
#[command(after_long_help = "\
EXAMPLES
  export RECON_URL=https://recon.example.com RECON_TOKEN_FILE=~/.recon-token
  recon push bank.csv ledger.csv --rules rules.toml
  recon push bank.csv ledger.csv --rules rules.toml --wait --out out

ENVIRONMENT
  RECON_URL         the server, where --url does not say it
  RECON_TOKEN       a session token; or RECON_TOKEN_FILE, the file that holds it
  RECON_CA_FILE     certificates to trust instead of the public ones, PEM
  RECON_STATE_DIR   where pushes under way are noted, for a day; default: `push` in the user's data folder

EXIT STATUS
  0  without --wait: it was accepted; with it: every row is matched, or at most --max-breaks rows are left
  1  breaks, suggestions or rejected rows remain
  2  it could not run: the message says why")]
pub(crate) struct PushArgs {
    /// The left file, for example the bank statement.
    pub left: PathBuf,
    /// The right file, for example the ledger.
    pub right: PathBuf,
    /// The rule document, TOML or JSON. Without it, the server suggests rules.
    #[arg(long, value_name = "FILE")]
    pub rules: Option<PathBuf>,
    /// The server's address, such as https://recon.example.com. Default: RECON_URL.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The name of the reconciliation. Default: the names of the two files.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Wait for the end, show how far it is, and print the summary.
    #[arg(long)]
    pub wait: bool,
    /// A folder for the results, as `recon match --out` writes them in CSV; made when it does not exist.
    #[arg(long, value_name = "DIR", requires = "wait")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub format: FormatArgs,
    /// Exit with 0 when at most this many rows of both sides together are left unmatched, rejected ones included.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "wait")]
    pub max_breaks: u64,
}
