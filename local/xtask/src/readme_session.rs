//! The session of README.md: the script that a reader pastes, as it stands there.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// What the script takes from the environment comes first in it.
const BEGINS_WITH: &str = "(\nset -euo pipefail\n: \"${RECON_URL:?}\"";
/// What every digest begins with.
const DIGEST: &str = "v1:";

/// Who signs in where.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The server's address.
    pub(crate) url: String,
    pub(crate) email: String,
    pub(crate) password: String,
}

/// Runs the session with bash and curl, and fails unless it ends with the digest that README.md shows.
pub(crate) fn run(account: &Account) -> Result<()> {
    let readme = fs::read_to_string(workspace::root().join("README.md")).context("read README.md")?;
    let (script, digest) = (script(&readme)?, digest(&readme)?);
    let mut bash = Command::new("bash");
    bash.current_dir(workspace::root()).args(["-c", script]).stdin(Stdio::null());
    bash.env("RECON_URL", &account.url).env("RECON_EMAIL", &account.email);
    let output = bash.env("RECON_PASSWORD", &account.password).output().context("start bash")?;
    let (words, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("the session of README.md ended with {} at {}:\n{words}\n{errors}", output.status, account.url);
    }
    if !words.contains(digest) {
        bail!("the session of README.md ended without the digest {digest}:\n{words}");
    }
    Ok(())
}

/// The block of code that is the session.
fn script(readme: &str) -> Result<&str> {
    let blocks = readme.split("\n```bash\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let mut sessions = blocks.filter(|block| block.starts_with(BEGINS_WITH));
    match (sessions.next(), sessions.next()) {
        (Some(session), None) => Ok(session),
        _ => bail!("README.md has not exactly one block that begins with {BEGINS_WITH:?}"),
    }
}

/// The digest of the demo, as the command line prints it there.
fn digest(readme: &str) -> Result<&str> {
    let line = readme.lines().find_map(|line| line.strip_prefix("digest "));
    line.filter(|digest| digest.starts_with(DIGEST)).context("README.md shows no digest of the demo")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_has_one_session_and_the_digest_of_the_demo() {
        let readme = include_str!("../../../README.md");
        let script = script(readme).unwrap();
        assert!(script.ends_with("\n)") && script.contains("/v1/reconciliations/$RUN?wait=20"), "{script}");
        assert_eq!(digest(readme).unwrap().len(), DIGEST.len() + 64);
    }

    #[test]
    fn a_readme_with_two_sessions_or_none_is_refused() {
        let block = format!("\n```bash\n{BEGINS_WITH}\n)\n```\n");
        assert!(script(&block).is_ok());
        assert!(script(&format!("{block}{block}")).is_err());
        assert!(script("\n```bash\necho\n```\n").is_err());
    }
}
