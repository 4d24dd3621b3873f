//! Where the store is: parsed once, opened later.

mod access;
#[cfg(feature = "cluster")]
mod bucket;

use std::fmt;
use std::path::{Path, PathBuf};

#[cfg(feature = "cluster")]
use sqlx::{ConnectOptions, postgres::PgConnectOptions};

pub use self::access::{AWS_VARIABLES, OBJECT_PUBLIC_URL, ObjectAccess, PublicUrl};
#[cfg(feature = "cluster")]
pub use self::bucket::BucketUrl;

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
    /// Who this service is there.
    pub object_access: ObjectAccess,
    /// How many connections may read at once.
    pub pool_connections_max: u32,
}

/// Where records are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file.
    #[cfg(feature = "embedded")]
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    #[cfg(feature = "cluster")]
    Postgres(PostgresUrl),
}

/// The address of a PostgreSQL database, which may hold a password: it prints without.
#[cfg(feature = "cluster")]
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// Where objects are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectUrl {
    /// A local folder.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store.
    #[cfg(feature = "cluster")]
    S3(BucketUrl),
}

/// A value that cannot be used. It names its variable and never repeats a URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A backend that this build does not have.
    #[error(
        "{variable}: this build has no backend for `{scheme}://` (it needs the feature `{feature}`), only for {known}"
    )]
    BackendAbsent {
        /// The variable.
        variable: &'static str,
        /// The scheme of its URL.
        scheme: String,
        /// The cargo feature that would bring the backend.
        feature: &'static str,
        /// The schemes that this build knows.
        known: String,
    },
    /// A scheme that nothing here has heard of.
    #[error("{variable}: unknown scheme `{scheme}://`, expected {known}")]
    UnknownScheme {
        /// The variable.
        variable: &'static str,
        /// The scheme of its URL.
        scheme: String,
        /// The schemes that this build knows.
        known: String,
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
    #[cfg(feature = "embedded")]
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            database: DatabaseUrl::Sqlite(folder.join("recon.db")),
            objects: ObjectUrl::Folder(folder.join("objects")),
            object_access: ObjectAccess::default(),
            pool_connections_max: POOL_CONNECTIONS_DEFAULT,
        }
    }
}

impl DatabaseUrl {
    /// The file, where it is one: a database of this host alone.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(file) => Some(file),
            #[cfg(feature = "cluster")]
            Self::Postgres(_) => None,
        }
    }

    /// Parses the value of `DATABASE_URL`.
    ///
    /// # Errors
    /// A scheme other than `sqlite`, `postgres` and `postgresql`, or one whose backend this build does not have; no file; a
    /// URL that PostgreSQL's clients do not read.
    pub fn parse(url: &str) -> Result<Self, ConfigError> {
        match scheme(DATABASE_URL, url, &DATABASES)? {
            #[cfg(feature = "embedded")]
            "sqlite" => {
                let file = place(DATABASE_URL, url)?;
                if file.starts_with(":memory:") {
                    let problem = "a database in memory would forget what was acknowledged; name a file";
                    return Err(ConfigError::Malformed { variable: DATABASE_URL, problem });
                }
                Ok(Self::Sqlite(file.into()))
            }
            #[cfg(feature = "cluster")]
            "postgres" | "postgresql" => PostgresUrl::parse(url).map(Self::Postgres),
            known => Err(absent(DATABASE_URL, known, &DATABASES)),
        }
    }
}

#[cfg(feature = "cluster")]
impl PostgresUrl {
    fn parse(url: &str) -> Result<Self, ConfigError> {
        match url.parse::<PgConnectOptions>() {
            Ok(_) => Ok(Self(url.to_owned())),
            // What the parser says may repeat the URL.
            Err(_) => Err(ConfigError::Malformed {
                variable: DATABASE_URL,
                problem: "is no URL of the form `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require`",
            }),
        }
    }

    /// Whether a pooler stands before the database that gives a connection to another client after each transaction, and
    /// carries no prepared statements over: `statement-cache-capacity=0` says so, as nothing may stay prepared then.
    pub(crate) fn is_pooled(&self) -> bool {
        let parameters = self.0.split_once('?').map_or("", |(_, parameters)| parameters);
        parameters.split('&').any(|parameter| parameter == "statement-cache-capacity=0")
    }

    /// What a connection needs to know.
    pub(crate) fn options(&self) -> PgConnectOptions {
        let options = self.0.parse::<PgConnectOptions>().unwrap_or_default();
        // Poolers refuse to begin with a parameter that they do not know; floats come as bytes anyway.
        let options = if self.is_pooled() { options.extra_float_digits(None) } else { options };
        // A statement of many rows is long text; what is slow is logged by the name of its transaction.
        options.application_name("recon").disable_statement_logging()
    }
}

#[cfg(feature = "cluster")]
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = self.options();
        write!(f, "postgres://{}@{}:{}", options.get_username(), options.get_host(), options.get_port())?;
        options.get_database().map_or(Ok(()), |database| write!(f, "/{database}"))
    }
}

#[cfg(feature = "cluster")]
impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

impl ObjectUrl {
    /// Parses the value of `OBJECT_URL`.
    ///
    /// # Errors
    /// A scheme other than `file` and `s3`, or one whose backend this build does not have; no folder, no bucket, or nothing that
    /// says who asks for the bucket.
    #[cfg_attr(not(feature = "cluster"), expect(unused_variables, reason = "this is about buckets"))]
    pub fn parse(url: &str, access: &ObjectAccess) -> Result<Self, ConfigError> {
        match scheme(OBJECT_URL, url, &OBJECTS)? {
            "file" => place(OBJECT_URL, url).map(|folder| Self::Folder(folder.into())),
            #[cfg(feature = "cluster")]
            "s3" => {
                let bucket = BucketUrl::parse(url, access)?;
                access.source().map(|_| Self::S3(bucket))
            }
            known => Err(absent(OBJECT_URL, known, &OBJECTS)),
        }
    }
}

impl ObjectUrl {
    /// The folder, where it is one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder),
            #[cfg(feature = "cluster")]
            Self::S3(_) => None,
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(file) => write!(f, "sqlite://{}", file.display()),
            #[cfg(feature = "cluster")]
            Self::Postgres(url) => write!(f, "{url}"),
        }
    }
}

impl fmt::Display for ObjectUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "file://{}", folder.display()),
            #[cfg(feature = "cluster")]
            Self::S3(bucket) => write!(f, "{bucket}"),
        }
    }
}

/// A scheme, the feature that brings its backend, and whether this build has it.
type Known = (&'static str, &'static str, bool);

const DATABASES: [Known; 3] = [
    ("sqlite", "embedded", cfg!(feature = "embedded")),
    ("postgres", "cluster", cfg!(feature = "cluster")),
    ("postgresql", "cluster", cfg!(feature = "cluster")),
];
const OBJECTS: [Known; 2] = [("file", "embedded", true), ("s3", "cluster", cfg!(feature = "cluster"))];

/// The scheme of a URL, if it is one of these and this build has its backend.
fn scheme(variable: &'static str, url: &str, known: &[Known]) -> Result<&'static str, ConfigError> {
    let Some((given, _)) = url.split_once("://") else {
        return Err(ConfigError::Malformed {
            variable,
            problem: "expected a URL that begins with its scheme",
        });
    };
    match known.iter().find(|(scheme, ..)| *scheme == given) {
        Some((scheme, _, true)) => Ok(*scheme),
        Some((scheme, ..)) => Err(absent(variable, scheme, known)),
        None => Err(ConfigError::UnknownScheme {
            variable,
            scheme: given.chars().take(32).collect(),
            known: schemes(known),
        }),
    }
}

fn absent(variable: &'static str, scheme: &str, known: &[Known]) -> ConfigError {
    let feature =
        known.iter().find(|(known, ..)| *known == scheme).map_or("cluster", |(_, feature, _)| feature);
    ConfigError::BackendAbsent { variable, scheme: scheme.to_owned(), feature, known: schemes(known) }
}

/// The schemes of this build, as people read them.
fn schemes(known: &[Known]) -> String {
    let own = known.iter().filter(|(.., is_there)| *is_there);
    own.map(|(scheme, ..)| format!("`{scheme}://`")).collect::<Vec<_>>().join(", ")
}

/// What follows the scheme, where that is a place on this machine.
fn place<'u>(variable: &'static str, url: &'u str) -> Result<&'u str, ConfigError> {
    let place = url.split_once("://").map_or("", |(_, place)| place);
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
        let parsed = ObjectUrl::parse("file:///a/b", &ObjectAccess::default()).unwrap();
        assert_eq!((parsed.to_string().as_str(), parsed), ("file:///a/b", ObjectUrl::Folder("/a/b".into())));
    }

    #[test]
    fn a_password_is_not_printed() {
        let parsed =
            DatabaseUrl::parse("postgresql://ada:secret@db.example:6432/books?sslmode=require").unwrap();
        assert_eq!(parsed.to_string(), "postgres://ada@db.example:6432/books");
        assert_eq!(format!("{parsed:?}"), "Postgres(PostgresUrl(postgres://ada@db.example:6432/books))");
    }

    #[test]
    fn a_value_that_cannot_be_used_names_its_variable_and_no_secret() {
        for (url, starts) in [
            ("postgres://u:secret@h:secret/d", "DATABASE_URL: is no URL of the form"),
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
            #[cfg(not(feature = "cluster"))]
            (
                "s3://secret/p",
                "OBJECT_URL: this build has no backend for `s3://` (it needs the feature `cluster`)",
            ),
            #[cfg(feature = "cluster")]
            ("s3://secret/p", "OBJECT_URL: names a bucket, and nothing says who asks"),
            ("sqlite://secret", "OBJECT_URL: unknown scheme `sqlite://`"),
        ] {
            let message = ObjectUrl::parse(url, &ObjectAccess::default()).unwrap_err().to_string();
            assert!(message.starts_with(starts) && !message.contains("secret"), "{message}");
        }
    }
}
