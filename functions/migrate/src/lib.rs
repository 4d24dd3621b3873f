//! The migration: brings the database's schema to the one that this version needs, once a deployment.
//!
//! It waits a bounded time for a database that does not answer, because the two are often started together. It does all of
//! its work or none of it, and may run in several processes at once: one does it. What runs meanwhile goes on, since each
//! schema leaves the version before it able to run; what needs the new one waits for it.

use std::path::PathBuf;
use std::time::Duration;

use recon_runtime::config::MigrateConfig;
use recon_runtime::{Environment, Platform, Process, SettingError, because, store_config};
use recon_store::{Error, Migrated, Store};
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
    /// How many whole seconds it waited for the database.
    pub waited_seconds: u64,
}

/// Why nothing was migrated.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The database, or the place for objects, does not answer.
    #[error("{database} did not answer within {seconds} s (MIGRATE_WAIT_SECONDS), nothing is migrated")]
    Away {
        /// The database, without a password.
        database: String,
        /// How long it was waited for.
        seconds: u64,
        /// What was said the last time.
        #[source]
        source: Error,
    },
    /// Somebody ended the process while it waited.
    #[error("asked to stop before {database} answered, nothing is migrated")]
    Stopped {
        /// The database, without a password.
        database: String,
    },
    /// The migration failed, or is not for this version.
    #[error("migrate the database")]
    Store(#[from] Error),
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

/// Migrates, as soon as the database answers.
///
/// # Errors
/// [`Failed`]; then the schema is what it was.
pub async fn migrate(deps: Deps) -> Result<Report, Failed> {
    let started = Instant::now();
    let mut reminded: Option<Instant> = None;
    loop {
        let error = match attempt(&deps.store).await {
            Ok(migrated) => {
                let report = Report::of(migrated, started.elapsed());
                tracing::info!("{}", report.in_words());
                return Ok(report);
            }
            Err(error @ Error::Unavailable { .. }) if !deps.wait.is_zero() => error,
            Err(error) => return Err(error.into()),
        };
        let seconds = deps.wait.as_secs();
        if started.elapsed() + PAUSE > deps.wait {
            return Err(Failed::Away { database: deps.database, seconds, source: error });
        }
        if reminded.is_none_or(|at| at.elapsed() >= REMINDER) {
            let database = &deps.database;
            tracing::warn!(%database, %error, because = because(&error), "waits for the database, up to {seconds} s");
            reminded = Some(Instant::now());
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = deps.process.draining() => return Err(Failed::Stopped { database: deps.database }),
        }
    }
}

/// Asks first whether the database is there, which is bounded; the migration itself takes as long as it takes.
async fn attempt(store: &Store) -> Result<Migrated, Error> {
    store.check().await?;
    store.migrate().await
}

impl Report {
    fn of(migrated: Migrated, waited: Duration) -> Self {
        let Migrated { from, to, backup } = migrated;
        Self { from, to, backup, waited_seconds: waited.as_secs() }
    }

    /// The same for people.
    #[must_use]
    pub fn in_words(&self) -> String {
        let Self { from, to, backup, .. } = self;
        match (from == to, backup) {
            (true, _) => format!("the schema is at version {to}, nothing to do"),
            (false, None) => format!("the schema went from version {from} to {to}"),
            (false, Some(backup)) => format!(
                "the schema went from version {from} to {to}; the file as it was is {}",
                backup.display()
            ),
        }
    }
}
