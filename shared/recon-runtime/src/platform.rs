//! What every crate that runs is opened from.

use recon_session::{Lifetimes, Sessions};
use recon_store::{DatabaseUrl, ObjectAccess, ObjectUrl, PublicUrl, Store, StoreConfig};

use crate::config::WebConfig;
use crate::{Clock, Environment, Ids, Probes, Process, SettingError, setting};

/// The store, time, ids and the process that a handler's or a worker's `Deps` are taken from. Opening it reads the
/// configuration and connects to nothing; clones share everything.
#[derive(Clone)]
pub struct Platform {
    /// Records, jobs, sessions, objects.
    pub store: Store,
    /// Time.
    pub clock: Clock,
    /// New ids.
    pub ids: Ids,
    /// The process, whose end every loop watches.
    pub process: Process,
    /// What clients are told and asked.
    pub web: WebConfig,
    /// Whether the process may be sent work.
    pub probes: Probes,
}

impl Platform {
    /// The platform that the environment describes.
    ///
    /// # Errors
    /// When a setting does not read.
    pub fn open(environment: &Environment, process: Process) -> Result<Self, SettingError> {
        Self::open_with_clock(environment, process, Clock::system())
    }

    /// The platform that the environment describes, on another clock.
    ///
    /// # Errors
    /// As [`Platform::open`].
    pub fn open_with_clock(
        environment: &Environment,
        process: Process,
        clock: Clock,
    ) -> Result<Self, SettingError> {
        let config = store_config(environment)?;
        let time = clock.clone();
        let store_clock = recon_store::Clock::from_fn(move || time.now());
        let store = Store::open_with_clock(&config, store_clock);
        Ok(Self {
            probes: Probes::of(&process, &store),
            store,
            ids: Ids::random(clock.clone()),
            clock,
            process,
            web: WebConfig::read(environment)?,
        })
    }
}

impl Platform {
    /// Sessions, in the store, with the usual lifetimes.
    #[must_use]
    pub fn sessions(&self) -> Sessions {
        self.store.sessions(Lifetimes::default())
    }
}

/// Reads `DATABASE_URL`, `DATABASE_POOL_MAX`, `OBJECT_URL`, `OBJECT_PUBLIC_URL`, and what Amazon's tools read
/// ([`recon_store::AWS_VARIABLES`]).
///
/// # Errors
/// When one of them does not read.
pub fn store_config(environment: &Environment) -> Result<StoreConfig, SettingError> {
    let pool_connections_max = environment.read(&setting::DATABASE_POOL_MAX)?;
    if !(1..=recon_store::POOL_CONNECTIONS_MAX).contains(&pool_connections_max) {
        return Err(setting::DATABASE_POOL_MAX.invalid(&pool_connections_max.to_string()));
    }
    let public_url = match environment.text(&setting::OBJECT_PUBLIC_URL)?.as_str() {
        "" => None,
        url => Some(PublicUrl::parse(url)?),
    };
    let object_access = ObjectAccess::new(public_url, |name| environment.variable(name).map(str::to_owned));
    Ok(StoreConfig {
        database: DatabaseUrl::parse(&environment.text(&setting::DATABASE_URL)?)?,
        objects: ObjectUrl::parse(&environment.text(&setting::OBJECT_URL)?, &object_access)?,
        object_access,
        pool_connections_max,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_is_where_the_environment_says() {
        let config = store_config(&Environment::of([("XDG_DATA_HOME", "/data")])).unwrap();
        assert_eq!(config, StoreConfig::in_folder("/data/reconciliation-platform".as_ref()));
    }

    #[test]
    fn what_names_no_backend_is_refused_by_name() {
        for (variable, value) in [
            ("DATABASE_URL", "mysql://app:hunter2@db/recon"),
            ("OBJECT_URL", "s3://bucket"),
            ("OBJECT_URL", "gs://bucket"),
            ("OBJECT_PUBLIC_URL", "files.example.com"),
            ("DATABASE_POOL_MAX", "0"),
        ] {
            let given = Environment::of([("HOME", "/h"), (variable, value)]);
            let error = store_config(&given).unwrap_err().to_string();
            assert!(error.starts_with(variable) && !error.contains("hunter2"), "{error}");
        }
    }
}
