//! Where a test's processes keep their data, and where their binaries are.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::Postgres;

/// Which database the tests of a run use: `sqlite`, which is the default, or `postgres`.
pub const TEST_DATABASE: &str = "TEST_DATABASE";

/// A data folder of its own, with the variables that point every binary at it.
#[derive(Debug)]
pub struct Folder {
    root: tempfile::TempDir,
    database: String,
    variables: Vec<(&'static str, String)>,
}

impl Folder {
    /// A new, empty folder.
    ///
    /// # Errors
    /// When the temporary folder cannot be made.
    pub fn new() -> Result<Self> {
        Self::with(&[])
    }

    /// A new, empty folder with further variables for its processes.
    ///
    /// # Errors
    /// When the temporary folder cannot be made.
    pub fn with(variables: &[(&'static str, &str)]) -> Result<Self> {
        let root = tempfile::tempdir().context("make a data folder")?;
        let database = match Self::is_postgres()? {
            true => Postgres::shared()?.database(None)?,
            false => format!("sqlite://{}", root.path().join("recon.sqlite").display()),
        };
        Ok(Self::of(root, database, variables))
    }

    /// A new, empty folder whose database is at this URL, whichever the others of the run have.
    ///
    /// # Errors
    /// When the temporary folder cannot be made.
    pub fn on(database: &str) -> Result<Self> {
        let root = tempfile::tempdir().context("make a data folder")?;
        Ok(Self::of(root, database.to_owned(), &[]))
    }

    fn of(root: tempfile::TempDir, database: String, variables: &[(&'static str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { root, database, variables }
    }

    /// Whether this run's tests use PostgreSQL.
    ///
    /// # Errors
    /// When [`TEST_DATABASE`] names no database.
    pub fn is_postgres() -> Result<bool> {
        #[expect(clippy::disallowed_methods, reason = "this is for the tests, not for what they start")]
        let wanted = std::env::var(TEST_DATABASE);
        match wanted.as_deref() {
            Err(_) | Ok("sqlite") => Ok(false),
            Ok("postgres") => Ok(true),
            Ok(other) => bail!("{TEST_DATABASE}={other}: expected `sqlite` or `postgres`"),
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// The environment of a process on this folder.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let root = self.root.path();
        let mut environment = vec![
            ("DATABASE_URL", self.database.clone()),
            ("OBJECT_URL", format!("file://{}", root.join("objects").display())),
            ("LOG_FORMAT", "json".into()),
            ("ADMIN_PORT", "0".into()),
        ];
        environment.extend(self.variables.iter().cloned());
        environment
    }

    /// A command of the binary `name` of this workspace, on this folder and with no other environment.
    ///
    /// # Errors
    /// When the binary was not built.
    pub fn command(&self, name: &str) -> Result<std::process::Command> {
        let mut command = std::process::Command::new(binary(name)?);
        command.env_clear().envs(self.environment());
        Ok(command)
    }

    /// Runs `recon` with these arguments to its end and returns what it printed.
    ///
    /// # Errors
    /// When it fails; the message has what it said.
    pub fn recon(&self, arguments: &[&str]) -> Result<String> {
        let output = self.command("recon")?.args(arguments).output().context("run recon")?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        ensure!(
            output.status.success(),
            "recon {arguments:?} ended with {}: {}{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        );
        Ok(text(&output.stdout))
    }
}

/// The path of a binary that was built beside the running test.
///
/// # Errors
/// When it is not there: the message says how to build it.
fn binary(name: &str) -> Result<PathBuf> {
    let test = std::env::current_exe().context("find the running test")?;
    let folder = test.ancestors().nth(2).context("the test is not in a target folder")?;
    let path = folder.join(name);
    ensure!(
        path.is_file(),
        "{} is not built: `cargo xtask test` builds it, or `cargo build --workspace --bins`",
        path.display()
    );
    Ok(path)
}
