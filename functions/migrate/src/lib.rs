//! The migration: brings the database's schema to the one that this version needs, once a deployment.
//!
//! It waits a bounded time for a database that does not answer, because the two are often started together. It changes the
//! schema as a whole or not at all, and may run in several processes at once: one does it. What runs meanwhile goes on, since
//! each schema leaves the version before it able to run; what needs the new one waits for it. Then it ties the objects to the
//! database; where that fails, the next migration does it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use recon_runtime::config::MigrateConfig;
use recon_runtime::{Environment, Platform, Process, SettingError, because, store_config};
use recon_store::{Error, Migrated, Store, Tie};
use serde::Serialize;
use tokio::time::Instant;

/// How often a database that does not answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often that is said again.
const REMINDER: Duration = Duration::from_secs(10);

/// What the migration may touch.
#[derive(Clone)]
pub struct Deps {
    process: Process,
    store: Store,
    /// Where the database is, for people, without a password.
    database: String,
    /// Nothing for a file, which is there or is not.
    wait: Duration,
}

/// What one migration did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The version of the schema before; 0 for a new database.
    pub from: u32,
    /// The version now.
    pub to: u32,
    /// The copy of an older SQLite file.
    pub backup: Option<PathBuf>,
    /// Whose the objects are: `ours`; `loose` where that was never said, and nothing of them is swept; `foreign`.
    pub objects: Tie,
    /// How many whole seconds it waited for the database.
    pub waited_seconds: u64,
}

/// Why not all is done.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The database, or the object store, does not answer.
    #[error("{what} did not answer within {seconds} s (MIGRATE_WAIT_SECONDS), {done}")]
    Away {
        /// The database, without a password, or the object store.
        what: String,
        /// How long it was waited for.
        seconds: u64,
        /// How far the migration is.
        done: Done,
        /// What was said the last time.
        #[source]
        source: Error,
    },
    /// Somebody ended the process while it waited.
    #[error("asked to stop before {what} answered, {done}")]
    Stopped {
        /// The database, without a password, or the object store.
        what: String,
        /// How far the migration is.
        done: Done,
    },
    /// The schema's part failed, or is not for this version.
    #[error("migrate the database")]
    Schema(#[source] Error),
    /// The objects' part failed.
    #[error("tie the objects at OBJECT_URL to the database: {done}")]
    Objects {
        /// How far the migration is.
        done: Done,
        /// What is in the way.
        #[source]
        source: Error,
    },
}

/// How far a migration is that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// The schema is what it was.
    Nothing,
    /// The schema is at this version, and its objects are not tied to it.
    Schema(u32),
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing is migrated"),
            Self::Schema(version) => write!(
                f,
                "the schema is at version {version}, and the objects are not tied to it; migrate again to do that"
            ),
        }
    }
}

impl Deps {
    /// Everything from the platform, and the wait from the environment.
    ///
    /// # Errors
    /// When a setting does not read.
    pub fn open(platform: &Platform, environment: &Environment) -> Result<Self, SettingError> {
        let (database, wait) = (store_config(environment)?.database, MigrateConfig::read(environment)?.wait);
        Ok(Self {
            process: platform.process.clone(),
            store: platform.store.clone(),
            database: database.to_string(),
            wait: if database.file().is_some() { Duration::ZERO } else { wait },
        })
    }
}

/// Migrates, as soon as the database answers, and ties the objects to it, as soon as their store does.
///
/// # Errors
/// [`Failed`], which says how far it came.
pub async fn migrate(deps: Deps) -> Result<Report, Failed> {
    let started = Instant::now();
    let mut reminded: Option<Instant> = None;
    let mut migrated = None;
    loop {
        let error = match attempt(&deps.store, &mut migrated).await {
            Ok(report) => {
                let report = Report { waited_seconds: started.elapsed().as_secs(), ..report };
                tracing::info!("{}", report.in_words());
                return Ok(report);
            }
            Err(error) => error,
        };
        let done = migrated.as_ref().map_or(Done::Nothing, |migrated| Done::Schema(migrated.to));
        if deps.wait.is_zero() || !matches!(error, Error::Unavailable { .. }) {
            return Err(match done {
                Done::Nothing => Failed::Schema(error),
                Done::Schema(_) => Failed::Objects { done, source: error },
            });
        }
        let (kind, what) = match &error {
            Error::Unavailable { doing: Store::TIE_OBJECTS, .. } => {
                ("object store", "the object store at OBJECT_URL".to_owned())
            }
            _ => ("database", deps.database.clone()),
        };
        let seconds = deps.wait.as_secs();
        if started.elapsed() + PAUSE > deps.wait {
            return Err(Failed::Away { what, seconds, done, source: error });
        }
        if reminded.is_none_or(|at| at.elapsed() >= REMINDER) {
            tracing::warn!(%what, %error, because = because(&error), "waits for the {kind}, up to {seconds} s");
            reminded = Some(Instant::now());
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = deps.process.draining() => return Err(Failed::Stopped { what, done }),
        }
    }
}

/// Asks first whether the database is there, which is bounded; the migration itself takes as long as it takes. What was
/// migrated is kept for the next attempt, where the objects are in the way.
async fn attempt(store: &Store, migrated: &mut Option<Migrated>) -> Result<Report, Error> {
    let Migrated { from, to, backup } = match migrated {
        Some(migrated) => migrated.clone(),
        None => {
            store.check().await?;
            migrated.insert(store.migrate_schema().await?).clone()
        }
    };
    let objects = store.tie_objects().await?;
    Ok(Report { from, to, backup, objects, waited_seconds: 0 })
}

impl Report {
    /// The same for people.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self { from, to, backup, objects, .. } = self;
        let schema = match (from == to, backup) {
            (true, _) => format!("the schema is at version {to}, nothing to do"),
            (false, None) => format!("the schema went from version {from} to {to}"),
            (false, Some(backup)) => format!(
                "the schema went from version {from} to {to}; the file as it was is {}",
                backup.display()
            ),
        };
        if *objects == Tie::Ours { schema } else { format!("{schema}\n{objects}") }
    }
}
