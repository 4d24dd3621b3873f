//! A private PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, anyhow, bail};

use super::{Service, User, folder};

/// Where packages put PostgreSQL's programs, by version, when they are not on the path.
const PACKAGED: &str = "/usr/lib/postgresql";

/// A private PostgreSQL on a port of 127.0.0.1. It keeps what it has only as long as it runs: nothing is synced to disk.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    port: u16,
    databases: AtomicU64,
    _service: Service,
}

impl Postgres {
    /// The one of this process, started at its first use.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
        let started =
            SHARED.get_or_init(|| Self::start(&["fsync=off"]).map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Starts one with these settings, such as `fsync=off`. Dropping it stops it.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start.
    pub fn start(settings: &[&str]) -> Result<Self> {
        let programs = programs()?;
        let user = User::instead_of_root("postgres")?;
        let folder = folder("postgres", user)?;
        initialise(&programs.join("initdb"), &folder.join("data"), user)?;
        Self::launch(programs, user, &folder, settings)
    }

    /// Starts a standby of this one, which takes over everything that is written here and can only be read. Dropping it
    /// stops it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn standby(&self) -> Result<Self> {
        let user = User::instead_of_root("postgres")?;
        let folder = folder("postgres", user)?;
        let mut copy = Command::new(self.programs.join("pg_basebackup"));
        copy.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres"]);
        copy.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "-D"]).arg(folder.join("data"));
        finish(&mut copy, user)?;
        Self::launch(self.programs.clone(), user, &folder, &["hot_standby=on"])
    }

    fn launch(programs: PathBuf, user: Option<User>, folder: &Path, settings: &[&str]) -> Result<Self> {
        let data = folder.join("data");
        let arguments = |port| {
            let own = [
                format!("port={port}"),
                "listen_addresses=127.0.0.1".to_owned(),
                format!("unix_socket_directories={}", folder.display()),
                "max_connections=300".to_owned(),
            ];
            let settings = own.into_iter().chain(settings.iter().map(|setting| (*setting).to_owned()));
            let mut arguments = vec!["-D".to_owned(), data.display().to_string()];
            arguments.extend(settings.flat_map(|setting| ["-c".to_owned(), setting]));
            arguments
        };
        let answers = |port| {
            let told = ask(&programs, &url(port, "postgres"), "show data_directory");
            told.is_ok_and(|output| {
                String::from_utf8_lossy(&output.stdout).trim() == data.display().to_string()
            })
        };
        let program = programs.join("postgres");
        let (service, port) = Service::start_on_free_port(&program, arguments, folder, user, answers)?;
        Ok(Self { programs, port, databases: AtomicU64::new(0), _service: service })
    }

    /// Makes a database and gives its URL: empty, or a copy of another one that nobody is connected to.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn database(&self, template: Option<&str>) -> Result<String> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let template = template.and_then(|url| url.rsplit('/').next()).unwrap_or("template0");
        self.run(&format!("create database {name} template {template}"))?;
        Ok(url(self.port, &name))
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Runs a statement in the database `postgres`, as its superuser, and gives what it printed.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn run(&self, statement: &str) -> Result<String> {
        self.run_in(&url(self.port, "postgres"), statement)
    }

    /// Runs a statement in the database that has this URL, and gives what it printed.
    ///
    /// # Errors
    /// When the statement fails.
    pub fn run_in(&self, database: &str, statement: &str) -> Result<String> {
        let output = ask(&self.programs, database, statement)?;
        if !output.status.success() {
            bail!("`{statement}`: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

fn initialise(program: &Path, data: &Path, user: Option<User>) -> Result<()> {
    let mut command = Command::new(program);
    command.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]).arg(data);
    finish(&mut command, user)
}

/// Runs a program to its end as this user, and fails with what it said.
fn finish(command: &mut Command, user: Option<User>) -> Result<()> {
    use std::os::unix::process::CommandExt;

    command.current_dir("/");
    if let Some(user) = user {
        command.uid(user.id).gid(user.group);
    }
    let program = command.get_program().display().to_string();
    let output = command.output().with_context(|| format!("start {program}"))?;
    if !output.status.success() {
        bail!("{program}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

fn url(port: u16, database: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/{database}")
}

fn ask(programs: &Path, database: &str, statement: &str) -> Result<Output> {
    let mut command = Command::new(programs.join("psql"));
    command.args(["-d", database]);
    command.args(["--no-psqlrc", "-qtAX", "-v", "ON_ERROR_STOP=1", "-c", statement]);
    command.output().context("start psql")
}

/// The folder of PostgreSQL's programs: none where they are on the path, else that of the newest version installed.
fn programs() -> Result<PathBuf> {
    if Command::new("initdb").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(PathBuf::new());
    }
    let versions = std::fs::read_dir(PACKAGED).into_iter().flatten().flatten();
    let folders = versions.map(|version| version.path().join("bin"));
    let newest = folders.filter(|folder| folder.join("initdb").is_file()).max();
    newest.context("PostgreSQL is not installed: on Debian or Ubuntu, apt-get install postgresql")
}
