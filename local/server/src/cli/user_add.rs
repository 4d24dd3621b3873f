//! The words of `recon user add`.

use clap::Args;

use super::FormatArgs;

/// Add a user.
#[derive(Debug, Args)]
#[command(after_long_help = "\
EXAMPLES
  recon user add ada@example.com --role admin --workspace Finance
  recon user add ben@example.com --role preparer --workspace Finance --password-stdin < password.txt

EXIT STATUS
  0  added
  2  it could not be done: the message says why")]
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
