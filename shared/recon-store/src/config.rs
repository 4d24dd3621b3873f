//! Where the store is: parsed once, opened later.

use std::fmt;
use std::path::{Path, PathBuf};

/// The variable that says where records are kept.
pub const DATABASE_URL: &str = "DATABASE_URL";
/// The variable that says where objects are kept.
pub const OBJECT_URL: &str = "OBJECT_URL";
/// Connections that read, when nothing else is said.
pub const POOL_CONNECTIONS_DEFAULT: u32 = 4;
/// The most connections that may read.
pub const POOL_CONNECTIONS_MAX: u32 = 256;

/// Where the store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// Where records are kept.
    pub database: DatabaseUrl,
    /// Where objects are kept.
    pub objects: ObjectUrl,
    /// How many connections may read at once.
    pub pool_connections_max: u32,
}

/// Where records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file.
    Sqlite(PathBuf),
}

/// Where objects are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectUrl {
    /// A local folder.
    Folder(PathBuf),
}

/// A value that cannot be used. It names its variable and never repeats a URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A backend that this build does not have.
    #[error(
        "{variable}: this build has no backend for `{scheme}://` (it needs the feature `{feature}`), only for `{known}://`"
    )]
    BackendAbsent {
        /// The variable.
        variable: &'static str,
        /// The scheme of its URL.
        scheme: String,
        /// The cargo feature that would bring the backend.
        feature: &'static str,
        /// The scheme that is known.
        known: &'static str,
    },
    /// A scheme that nothing here has heard of.
    #[error("{variable}: unknown scheme `{scheme}://`, expected `{known}://`")]
    UnknownScheme {
        /// The variable.
        variable: &'static str,
        /// The scheme of its URL.
        scheme: String,
        /// The scheme that is known.
        known: &'static str,
    },
    /// A value of another shape.
    #[error("{variable}: {problem}")]
    Malformed {
        /// The variable.
        variable: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl StoreConfig {
    /// A store in this folder, with every default.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            database: DatabaseUrl::Sqlite(folder.join("recon.db")),
            objects: ObjectUrl::Folder(folder.join("objects")),
            pool_connections_max: POOL_CONNECTIONS_DEFAULT,
        }
    }
}

impl DatabaseUrl {
    /// Parses the value of `DATABASE_URL`.
    ///
    /// # Errors
    /// A scheme other than `sqlite`, or no file.
    pub fn parse(url: &str) -> Result<Self, ConfigError> {
        let file = place(DATABASE_URL, url, "sqlite", &["postgres", "postgresql"])?;
        if file.starts_with(":memory:") {
            let problem = "a database in memory would forget what was acknowledged; name a file";
            return Err(ConfigError::Malformed { variable: DATABASE_URL, problem });
        }
        Ok(Self::Sqlite(file.into()))
    }
}

impl ObjectUrl {
    /// Parses the value of `OBJECT_URL`.
    ///
    /// # Errors
    /// A scheme other than `file`, or no folder.
    pub fn parse(url: &str) -> Result<Self, ConfigError> {
        place(OBJECT_URL, url, "file", &["s3"]).map(|folder| Self::Folder(folder.into()))
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Sqlite(file) = self;
        write!(f, "sqlite://{}", file.display())
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Folder(folder) = self;
        write!(f, "file://{}", folder.display())
    }
}

/// What follows the scheme. `absent` are the schemes of backends that other builds have.
fn place<'u>(
    variable: &'static str,
    url: &'u str,
    known: &'static str,
    absent: &[&str],
) -> Result<&'u str, ConfigError> {
    let Some((given, place)) = url.split_once("://") else {
        return Err(ConfigError::Malformed {
            variable,
            problem: "expected a URL that begins with its scheme",
        });
    };
    if given != known {
        let scheme = given.chars().take(32).collect();
        return Err(match absent.contains(&given) {
            true => ConfigError::BackendAbsent { variable, scheme, feature: "cluster", known },
            false => ConfigError::UnknownScheme { variable, scheme, known },
        });
    }
    if place.is_empty() {
        return Err(ConfigError::Malformed { variable, problem: "names no place after the scheme" });
    }
    if place.contains(['?', '#', '\0']) {
        return Err(ConfigError::Malformed {
            variable,
            problem: "takes no `?`, `#` or NUL after the scheme",
        });
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_and_an_absolute_place_are_taken_as_they_stand_and_print_so() {
        for (url, file) in [("sqlite://a/b.db", "a/b.db"), ("sqlite:///a/b.db", "/a/b.db")] {
            let parsed = DatabaseUrl::parse(url).unwrap();
            assert_eq!((parsed.to_string().as_str(), parsed), (url, DatabaseUrl::Sqlite(file.into())));
        }
        let parsed = ObjectUrl::parse("file:///a/b").unwrap();
        assert_eq!((parsed.to_string().as_str(), parsed), ("file:///a/b", ObjectUrl::Folder("/a/b".into())));
    }

    #[test]
    fn a_value_that_cannot_be_used_names_its_variable_and_no_secret() {
        for (url, starts) in [
            ("postgres://u:secret@h/d", "DATABASE_URL: this build has no backend for `postgres://`"),
            ("mysql://u:secret@h/d", "DATABASE_URL: unknown scheme `mysql://`"),
            ("secret.db", "DATABASE_URL: expected a URL"),
            ("sqlite://", "DATABASE_URL: names no place"),
            ("sqlite://:memory:", "DATABASE_URL: a database in memory"),
            ("sqlite://a.db?mode=secret", "DATABASE_URL: takes no `?`"),
        ] {
            let message = DatabaseUrl::parse(url).unwrap_err().to_string();
            assert!(message.starts_with(starts) && !message.contains("secret"), "{message}");
        }
        for (url, starts) in [
            ("s3://secret/p", "OBJECT_URL: this build has no backend for `s3://`"),
            ("sqlite://secret", "OBJECT_URL: unknown scheme `sqlite://`"),
        ] {
            let message = ObjectUrl::parse(url).unwrap_err().to_string();
            assert!(message.starts_with(starts) && !message.contains("secret"), "{message}");
        }
    }
}
