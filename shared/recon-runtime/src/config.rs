//! Configuration, one struct per concern, each read once from the [`Environment`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::time::Duration;

use http::uri::{Authority, Scheme, Uri};

use crate::process::DRAIN_WAIT_MAX;
use crate::setting::Setting;
use crate::{Environment, SettingError, setting};

/// The longest pause between two sweeps: a day.
const SWEEP_INTERVAL_SECONDS_MAX: u32 = 86_400;
/// The longest wait of a migration for its database: an hour.
const MIGRATE_WAIT_SECONDS_MAX: u64 = 3_600;
/// The longest retention: a hundred years.
const RETENTION_DAYS_MAX: u32 = 36_500;

/// Where the server listens.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The address.
    pub bind_address: IpAddr,
    /// The port; 0 picks a free one.
    pub port: u16,
}

/// Where metrics are served.
#[derive(Debug, Clone)]
pub struct AdminConfig {
    /// The address: the server's, where somebody asked for the port, else this host's own. Nobody signs in here.
    pub bind_address: IpAddr,
    /// The port; 0 picks a free one, `None` is none.
    pub port: Option<u16>,
    /// Whether somebody asked for this port, so that it may not be another one, or none.
    pub is_given: bool,
}

/// What the server tells and asks its clients.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// The origin under which clients know this service, where somebody said so.
    pub public_url: Option<Origin>,
    /// Whether clients reach it over plain http on this very machine, so that `Secure` cookies would not come back.
    pub plain_loopback: bool,
    /// The largest upload in bytes.
    pub upload_bytes_max: u64,
}

/// How much a worker does at once.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Jobs at once.
    pub concurrency: u16,
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrainConfig {
    /// How long it still accepts requests once it was asked to stop.
    pub wait: Duration,
}

/// How a migration begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrateConfig {
    /// How long it waits for a database that does not answer.
    pub wait: Duration,
}

/// What a sweeper removes, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SweepConfig {
    /// The pause between two sweeps of a process that repeats them.
    pub interval: Duration,
    /// How long finished reconciliations and unused datasets are kept; for good where `None`.
    pub retention: Option<Duration>,
}

/// Scheme and authority of a URL, such as `https://recon.example.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    authority: Authority,
}

/// A text that is no origin.
#[derive(Debug, thiserror::Error)]
#[error("not an http or https origin")]
pub struct NotAnOrigin;

impl ServerConfig {
    /// Reads `BIND_ADDRESS` and `PORT`.
    ///
    /// # Errors
    /// When one of them does not read.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        Ok(Self {
            bind_address: environment.read(&setting::BIND_ADDRESS)?,
            port: environment.read(&setting::PORT)?,
        })
    }
}

impl AdminConfig {
    /// Reads `BIND_ADDRESS` and `ADMIN_PORT`.
    ///
    /// # Errors
    /// When one of them does not read.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let port = environment.text(&setting::ADMIN_PORT)?;
        let is_given = environment.variable(setting::ADMIN_PORT.name).is_some();
        Ok(Self {
            bind_address: match is_given {
                true => environment.read(&setting::BIND_ADDRESS)?,
                false => IpAddr::V4(Ipv4Addr::LOCALHOST),
            },
            port: match port.as_str() {
                "off" => None,
                _ => Some(environment.read(&setting::ADMIN_PORT)?),
            },
            is_given,
        })
    }
}

impl WebConfig {
    /// Reads `PUBLIC_URL`, `BIND_ADDRESS` and `UPLOAD_BYTES_MAX`.
    ///
    /// # Errors
    /// When one of them does not read.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let public_url: Option<Origin> = environment.read_optional(&setting::PUBLIC_URL)?;
        let bind_address: IpAddr = environment.read(&setting::BIND_ADDRESS)?;
        let plain_loopback = match &public_url {
            Some(origin) => !origin.secure && origin.is_loopback(),
            None => bind_address.is_loopback() && !environment.is_lambda(),
        };
        Ok(Self {
            public_url,
            plain_loopback,
            upload_bytes_max: environment.read(&setting::UPLOAD_BYTES_MAX)?,
        })
    }
}

impl WorkerConfig {
    /// Reads `WORKER_CONCURRENCY`.
    ///
    /// # Errors
    /// When it does not read, or is 0 or above 1000.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let concurrency: u16 = environment.read(&setting::WORKER_CONCURRENCY)?;
        if !(1..=1000).contains(&concurrency) {
            return Err(setting::WORKER_CONCURRENCY.invalid(&concurrency.to_string()));
        }
        Ok(Self { concurrency })
    }
}

impl DrainConfig {
    /// Reads `DRAIN_WAIT_SECONDS`.
    ///
    /// # Errors
    /// When it does not read, or leaves what is accepted last too little of the grace.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let seconds: u64 = environment.read(&setting::DRAIN_WAIT_SECONDS)?;
        if seconds > DRAIN_WAIT_MAX.as_secs() {
            return Err(setting::DRAIN_WAIT_SECONDS.invalid(&seconds.to_string()));
        }
        Ok(Self { wait: Duration::from_secs(seconds) })
    }
}

impl MigrateConfig {
    /// Reads `MIGRATE_WAIT_SECONDS`.
    ///
    /// # Errors
    /// When it does not read, or is above an hour.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let seconds: u64 = environment.read(&setting::MIGRATE_WAIT_SECONDS)?;
        if seconds > MIGRATE_WAIT_SECONDS_MAX {
            return Err(setting::MIGRATE_WAIT_SECONDS.invalid(&seconds.to_string()));
        }
        Ok(Self { wait: Duration::from_secs(seconds) })
    }
}

impl SweepConfig {
    /// Reads `SWEEP_INTERVAL_SECONDS` and `RETENTION_DAYS`.
    ///
    /// # Errors
    /// When one of them does not read, or is out of its range.
    pub fn read(environment: &Environment) -> Result<Self, SettingError> {
        let within = |setting: &Setting, number: u32, max: u32| match (1..=max).contains(&number) {
            true => Ok(number),
            false => Err(setting.invalid(&number.to_string())),
        };
        let seconds = environment.read(&setting::SWEEP_INTERVAL_SECONDS)?;
        let seconds = within(&setting::SWEEP_INTERVAL_SECONDS, seconds, SWEEP_INTERVAL_SECONDS_MAX)?;
        let days = environment.read_optional(&setting::RETENTION_DAYS)?;
        let days = days.map(|days| within(&setting::RETENTION_DAYS, days, RETENTION_DAYS_MAX)).transpose()?;
        Ok(Self {
            interval: Duration::from_secs(seconds.into()),
            retention: days.map(|days| Duration::from_hours(24 * u64::from(days))),
        })
    }
}

impl Origin {
    fn is_loopback(&self) -> bool {
        let host = self.authority.host().trim_start_matches('[').trim_end_matches(']');
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let parts = text.parse::<Uri>().map_err(|_| NotAnOrigin)?.into_parts();
        let bare = parts.path_and_query.is_none_or(|path| path == "/");
        let authority = parts.authority.filter(|authority| bare && !authority.as_str().contains('@'));
        let secure = parts.scheme.map(|scheme| scheme == Scheme::HTTPS).ok_or(NotAnOrigin)?;
        if !secure && !text.starts_with("http://") {
            return Err(NotAnOrigin);
        }
        Ok(Self { secure, authority: authority.ok_or(NotAnOrigin)? })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.secure { "https" } else { "http" }, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_scheme_and_authority_and_nothing_else() {
        for text in ["https://recon.example.com", "http://localhost:8080/", "http://[::1]:8080"] {
            let origin: Origin = text.parse().unwrap();
            assert_eq!(origin.to_string(), text.trim_end_matches('/'));
        }
        for text in ["", "recon.example.com", "ftp://a", "https://a/b", "https://a?b", "https://me@a", "/"] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_plain_http_on_this_machine_goes_without_secure_cookies() {
        let plain =
            |pairs: [(&str, &str); 2]| WebConfig::read(&Environment::of(pairs)).unwrap().plain_loopback;
        let unset = ("LOG", "info");
        assert!(plain([unset, unset]));
        assert!(plain([("PUBLIC_URL", "http://localhost:8080"), ("BIND_ADDRESS", "0.0.0.0")]));
        assert!(!plain([("BIND_ADDRESS", "0.0.0.0"), unset]));
        assert!(!plain([("PUBLIC_URL", "https://recon.example.com"), unset]));
        assert!(!plain([("PUBLIC_URL", "http://recon.example.com"), unset]));
        assert!(!plain([("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"), unset]));
    }

    #[test]
    fn nothing_is_deleted_for_its_age_unless_somebody_says_so() {
        let read = |pairs: [(&str, &str); 2]| SweepConfig::read(&Environment::of(pairs));
        let unset = ("LOG", "info");
        let default = read([unset, unset]).unwrap();
        assert_eq!(default, SweepConfig { interval: Duration::from_mins(1), retention: None });
        let set = read([("RETENTION_DAYS", "90"), ("SWEEP_INTERVAL_SECONDS", "5")]).unwrap();
        assert_eq!(set.retention, Some(Duration::from_hours(90 * 24)));
        assert_eq!(set.interval, Duration::from_secs(5));
        for (name, value) in [
            ("RETENTION_DAYS", "0"),
            ("RETENTION_DAYS", "36501"),
            ("RETENTION_DAYS", "-1"),
            ("RETENTION_DAYS", "soon"),
            ("SWEEP_INTERVAL_SECONDS", "0"),
            ("SWEEP_INTERVAL_SECONDS", "86401"),
        ] {
            let error = read([(name, value), unset]).unwrap_err().to_string();
            assert!(error.starts_with(name) && error.contains(value), "{error}");
        }
    }

    #[test]
    fn waits_are_bounded() {
        let drain = |value| DrainConfig::read(&Environment::of([("DRAIN_WAIT_SECONDS", value)]));
        let migrate = |value| MigrateConfig::read(&Environment::of([("MIGRATE_WAIT_SECONDS", value)]));
        let seconds = |wait: Duration| wait.as_secs();
        assert_eq!(["", "0", "25"].map(|value| seconds(drain(value).unwrap().wait)), [2, 0, 25]);
        assert_eq!(["", "0", "3600"].map(|value| seconds(migrate(value).unwrap().wait)), [60, 0, 3600]);
        let error = drain("26").unwrap_err().to_string();
        assert_eq!(error, "DRAIN_WAIT_SECONDS: expected a number of seconds, 0 to 25, got `26`");
        assert!(drain("-1").is_err() && migrate("3601").is_err() && migrate("1m").is_err());
    }

    #[test]
    fn metrics_have_a_port_unless_they_are_off() {
        let read = |port| AdminConfig::read(&Environment::of([("ADMIN_PORT", port)]));
        let port = |port| read(port).map(|config| (config.port, config.is_given)).unwrap();
        assert_eq!(
            [port(""), port("0"), port("9000")],
            [(Some(8081), false), (Some(0), true), (Some(9000), true)]
        );
        assert_eq!(port("off"), (None, true));
        let error = read("many").unwrap_err().to_string();
        assert_eq!(error, "ADMIN_PORT: expected a port, 0 to 65535, or `off`, got `many`");
    }

    #[test]
    fn a_worker_runs_at_least_one_job() {
        let read = |value| WorkerConfig::read(&Environment::of([("WORKER_CONCURRENCY", value)]));
        assert_eq!(read("").unwrap().concurrency, 2);
        assert!(read("0").is_err() && read("1001").is_err());
    }
}
