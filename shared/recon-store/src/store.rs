//! The store: one value from which every table is reached.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use recon_session::backend::Backend;
use recon_session::{Lifetimes, Sessions};

use crate::database::Database;
use crate::{
    Breaks, Clock, Datasets, Error, Jobs, Keys, Leftovers, Objects, Reconciliations, StoreConfig, Sweep,
    Users, Workspaces,
};

/// The records and objects of an installation. Clones share connections. Nothing is opened before the first use.
#[derive(Clone)]
pub struct Store {
    database: Database,
    objects: Objects,
    clock: Clock,
}

/// How the schema that was found compares with the one that this build needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// It can be used.
    Compatible {
        /// The version found, this build's or a newer one that still serves it.
        version: u32,
    },
    /// It must be migrated first. Version 0 is an empty or absent database.
    Older {
        /// The version found.
        found: u32,
        /// The version that this build needs.
        needed: u32,
    },
    /// Only a newer build can use it.
    Newer {
        /// The version found.
        found: u32,
        /// The oldest build that it serves.
        min_compatible: u32,
        /// The version of this build.
        known: u32,
    },
}

/// What this build and that schema are to each other, for people who have to do something about it.
impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compatible { version } => {
                write!(f, "the schema is at version {version} and serves this build")
            }
            Self::Older { found, needed } => write!(
                f,
                "the schema is at version {found} and this build needs {needed}; run `recon migrate`"
            ),
            Self::Newer { found, min_compatible, known } => write!(
                f,
                "the schema is at version {found} for builds from {min_compatible} on, and this one knows {known}"
            ),
        }
    }
}

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The version before; 0 for a new database.
    pub from: u32,
    /// The version now.
    pub to: u32,
    /// The copy of the older file.
    pub backup: Option<PathBuf>,
}

impl Store {
    /// The store of this configuration, on the host's clock.
    #[must_use]
    pub fn open(config: &StoreConfig) -> Self {
        Self::open_with_clock(config, Clock::system())
    }

    /// The store of this configuration, on another clock.
    #[must_use]
    pub fn open_with_clock(config: &StoreConfig, clock: Clock) -> Self {
        let objects = Objects::open_at(&config.objects, &config.object_access);
        Self { database: Database::open(config), objects, clock }
    }

    /// Reaches the database and compares its schema with the one that this build needs.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn check(&self) -> Result<Schema, Error> {
        self.database.check().await
    }

    /// Brings the database to this build's schema, all of it or nothing. A SQLite file is made if it is not there; an
    /// older one is copied first. Then ties the objects to it, as [`Store::tie_objects`] does.
    ///
    /// # Errors
    /// [`Error::SchemaNewer`] when only a newer build may do it, [`Error::Migration`] when nothing was changed. Where the
    /// objects cannot be used, the schema is migrated all the same, and the same call ties them later.
    pub async fn migrate(&self) -> Result<Migrated, Error> {
        let migrated = self.migrate_schema().await?;
        self.tie_objects().await?;
        Ok(migrated)
    }

    /// The database's part of [`Store::migrate`].
    ///
    /// # Errors
    /// The same; then the schema is what it was.
    pub async fn migrate_schema(&self) -> Result<Migrated, Error> {
        self.database.migrate().await
    }

    /// Closes every connection after its present work. Later calls fail with [`Error::Unavailable`].
    pub async fn close(&self) {
        self.database.close().await;
    }

    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }

    /// Workspaces.
    #[must_use]
    pub fn workspaces(&self) -> Workspaces {
        Workspaces { database: self.database.clone(), clock: self.clock.clone() }
    }

    /// Users.
    #[must_use]
    pub fn users(&self) -> Users {
        Users { database: self.database.clone(), clock: self.clock.clone() }
    }

    /// Datasets.
    #[must_use]
    pub fn datasets(&self) -> Datasets {
        Datasets { database: self.database.clone(), clock: self.clock.clone() }
    }

    /// Reconciliations.
    #[must_use]
    pub fn reconciliations(&self) -> Reconciliations {
        Reconciliations { database: self.database.clone(), clock: self.clock.clone() }
    }

    /// Jobs.
    #[must_use]
    pub fn jobs(&self) -> Jobs {
        Jobs { database: self.database.clone(), clock: self.clock.clone() }
    }

    /// Breaks.
    #[must_use]
    pub fn breaks(&self) -> Breaks {
        Breaks { database: self.database.clone() }
    }

    /// What attempts left behind.
    #[must_use]
    pub fn leftovers(&self) -> Leftovers {
        Leftovers { database: self.database.clone(), objects: self.objects.clone() }
    }

    /// Sessions with these clocks, in the same database.
    #[must_use]
    pub fn sessions(&self, lifetimes: Lifetimes) -> Sessions {
        Sessions::new(self.session_backend(), lifetimes)
    }

    /// Where sessions are kept, below their rules: for those who carry sessions over.
    #[must_use]
    pub fn session_backend(&self) -> Arc<dyn Backend> {
        self.database.sessions()
    }

    /// Idempotency keys.
    #[must_use]
    pub fn keys(&self) -> Keys {
        Keys { database: self.database.clone() }
    }

    /// What nobody needs any more.
    #[must_use]
    pub fn sweep(&self) -> Sweep {
        Sweep {
            database: self.database.clone(),
            objects: self.objects.clone(),
            clock: self.clock.clone(),
            is_over: Arc::new(|| false),
        }
    }

    /// Objects.
    #[must_use]
    pub fn objects(&self) -> Objects {
        self.objects.clone()
    }
}
