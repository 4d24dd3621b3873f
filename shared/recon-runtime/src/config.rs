//! Configuration, one struct per concern, each read once from the [`Environment`].

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::uri::{Authority, Scheme, Uri};

use crate::{Environment, SettingError, setting};

/// Where the server listens.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The address.
    pub bind_address: IpAddr,
    /// The port; 0 picks a free one.
    pub port: u16,
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
    fn a_worker_runs_at_least_one_job() {
        let read = |value| WorkerConfig::read(&Environment::of([("WORKER_CONCURRENCY", value)]));
        assert_eq!(read("").unwrap().concurrency, 2);
        assert!(read("0").is_err() && read("1001").is_err());
    }
}
