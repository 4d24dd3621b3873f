//! A store by its URL: what programs do whose operators choose the store.

use std::sync::Arc;

use crate::ClaimStore;

/// Each scheme, and the cargo feature that its store is behind.
const SCHEMES: [(&str, &str); 8] = [
    ("sqlite", "embedded"),
    ("postgres", "postgres"),
    ("postgresql", "postgres"),
    ("redis", "redis"),
    ("rediss", "redis"),
    ("redis-cluster", "redis"),
    ("rediss-cluster", "redis"),
    ("dynamodb", "aws"),
];
/// No scheme is longer.
const SCHEME_BYTES_MAX: usize = 32;

/// Why a URL names no store. No part of it but the scheme is told: the rest may have a password in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It has no scheme.
    #[error("the store's URL has no scheme: {}", schemes())]
    NoScheme,
    /// It has another scheme.
    #[error("no store has the scheme of this URL: {}", schemes())]
    UnknownScheme,
    /// This build does not have its store.
    #[error("{scheme}:// needs a build with the cargo feature `{feature}`, which this one is without")]
    NotBuilt {
        /// The scheme.
        scheme: &'static str,
        /// The feature.
        feature: &'static str,
    },
    /// What comes after the scheme is not what its store needs.
    #[error("the {scheme}:// URL cannot be read: {wanted}")]
    Malformed {
        /// The scheme.
        scheme: &'static str,
        /// What it should be like.
        wanted: &'static str,
    },
}

fn schemes() -> String {
    let names: Vec<_> = SCHEMES.iter().map(|(scheme, _)| format!("{scheme}://")).collect();
    format!("there are {}", names.join(", "))
}

/// Opens the store of this URL:
///
/// | URL | store |
/// | --- | --- |
/// | `sqlite://FILE` | the file's table, which has to be there |
/// | `postgres://USER@HOST/DATABASE` | the database's table, likewise |
/// | `redis://HOST`, `rediss://HOST` | one Redis, the second over TLS |
/// | `redis-cluster://HOST[,HOST...]`, `rediss-cluster://...` | a Redis Cluster, of which these nodes are asked first; user and password stand before the first and are everybody's |
/// | `dynamodb://TABLE[?region=REGION&endpoint=URL]` | a table of DynamoDB; what is not said comes from the environment of AWS's own tools |
///
/// Nothing is connected or checked before the first request that needs it. It has to be called within a tokio runtime.
///
/// Over TLS a certificate counts that the system's authorities signed, or those in the file that the variable `SSL_CERT_FILE` names.
///
/// # Errors
/// [`OpenError`].
pub fn open(url: &str) -> Result<Arc<dyn ClaimStore>, OpenError> {
    let (written, _rest) = url.split_once("://").ok_or(OpenError::NoScheme)?;
    if written.is_empty() || written.len() > SCHEME_BYTES_MAX {
        return Err(OpenError::NoScheme);
    }
    let known = SCHEMES.iter().find(|(scheme, _)| *scheme == written);
    let (scheme, feature) = *known.ok_or(OpenError::UnknownScheme)?;
    match feature {
        #[cfg(feature = "embedded")]
        "embedded" => database::sqlite(scheme, url),
        #[cfg(feature = "postgres")]
        "postgres" => database::postgres(scheme, url),
        #[cfg(feature = "redis")]
        "redis" => servers::redis(scheme, _rest),
        #[cfg(feature = "aws")]
        "aws" => table::dynamodb(scheme, _rest),
        _ => Err(OpenError::NotBuilt { scheme, feature }),
    }
}

#[cfg(any(feature = "embedded", feature = "postgres"))]
mod database {
    use std::str::FromStr;
    use std::time::Duration;

    use sqlx::pool::PoolOptions;
    use sqlx::{Connection, Database};

    use super::{Arc, ClaimStore, OpenError};

    /// How many connections the verbs share.
    const CONNECTIONS_MAX: u32 = 10;
    /// How long a verb waits for one of them, or for the database to be there.
    const CONNECT_MAX: Duration = Duration::from_secs(3);

    #[cfg(feature = "embedded")]
    pub(super) fn sqlite(scheme: &'static str, url: &str) -> Result<Arc<dyn ClaimStore>, OpenError> {
        let pool = pool::<sqlx::Sqlite>(scheme, url, "sqlite://FILE")?;
        Ok(Arc::new(crate::sqlite::Store::new(pool)))
    }

    #[cfg(feature = "postgres")]
    pub(super) fn postgres(scheme: &'static str, url: &str) -> Result<Arc<dyn ClaimStore>, OpenError> {
        let pool = pool::<sqlx::Postgres>(scheme, url, "postgres://USER:PASSWORD@HOST:PORT/DATABASE")?;
        Ok(Arc::new(crate::postgres::Store::new(pool)))
    }

    /// The error of a URL is left out: it may quote what is in it.
    fn pool<D: Database>(
        scheme: &'static str,
        url: &str,
        wanted: &'static str,
    ) -> Result<sqlx::Pool<D>, OpenError> {
        type Options<D> = <<D as Database>::Connection as Connection>::Options;
        let options = Options::<D>::from_str(url).map_err(|_| OpenError::Malformed { scheme, wanted })?;
        let pool = PoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(CONNECT_MAX);
        Ok(pool.connect_lazy_with(options))
    }
}

#[cfg(feature = "redis")]
mod servers {
    use ::redis::Client;
    use ::redis::cluster::ClusterClient;

    use super::{Arc, ClaimStore, OpenError};
    use crate::redis::Store;

    pub(super) fn redis(scheme: &'static str, rest: &str) -> Result<Arc<dyn ClaimStore>, OpenError> {
        let server = if scheme.starts_with("rediss") { "rediss" } else { "redis" };
        if server == "rediss" {
            // A program that has several of these and chose none would panic; a choice that was made stays.
            _ = rustls::crypto::ring::default_provider().install_default();
        }
        if scheme == server {
            let wanted = "redis://USER:PASSWORD@HOST:PORT/NUMBER";
            let client = Client::open(format!("{server}://{rest}"));
            let client = client.map_err(|_| OpenError::Malformed { scheme, wanted })?;
            return Ok(Arc::new(Store::new(client, "")));
        }
        let wanted = "redis-cluster://USER:PASSWORD@HOST:PORT,HOST:PORT";
        let (user, hosts) = rest.rsplit_once('@').map_or((None, rest), |(user, hosts)| (Some(user), hosts));
        let nodes = hosts.split(',').map(|host| match user {
            Some(user) => format!("{server}://{user}@{host}"),
            None => format!("{server}://{host}"),
        });
        let client = ClusterClient::new(nodes.collect::<Vec<_>>());
        let client = client.map_err(|_| OpenError::Malformed { scheme, wanted })?;
        Ok(Arc::new(Store::cluster(client, "")))
    }
}

#[cfg(feature = "aws")]
mod table {
    use super::{Arc, ClaimStore, OpenError};
    use crate::dynamodb::Store;

    const NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 3..=255;

    pub(super) fn dynamodb(scheme: &'static str, rest: &str) -> Result<Arc<dyn ClaimStore>, OpenError> {
        let wanted = "dynamodb://TABLE?region=REGION&endpoint=URL, the last two as needed";
        let malformed = OpenError::Malformed { scheme, wanted };
        let (name, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if !NAME_CHARACTERS.contains(&name.len()) || !name.bytes().all(allowed) {
            return Err(malformed);
        }
        let mut store = Store::from_environment(name);
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            store = match parameter.split_once('=') {
                Some(("region", region)) if !region.is_empty() => store.in_region(region),
                Some(("endpoint", endpoint)) => {
                    let url = decoded(endpoint).filter(|url| url.starts_with("http")).ok_or(malformed)?;
                    store.at_endpoint(url)
                }
                _ => return Err(malformed),
            };
        }
        Ok(Arc::new(store))
    }

    /// A value in which some characters are written as `%` and two digits.
    fn decoded(value: &str) -> Option<String> {
        let mut bytes = Vec::with_capacity(value.len());
        let mut rest = value.as_bytes();
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'%' => {
                    let (digits, after) = rest.split_at_checked(2)?;
                    bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
                    rest = after;
                }
                byte => bytes.push(*byte),
            }
        }
        String::from_utf8(bytes).ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn escapes_are_decoded_or_refused() {
            assert_eq!(decoded("http%3A%2F%2fa:1").as_deref(), Some("http://a:1"));
            assert_eq!((decoded("%4"), decoded("%zz"), decoded("%ff")), (None, None, None));
        }
    }
}
