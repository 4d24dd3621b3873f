//! One text of a statement for both databases.
//!
//! Statements number their parameters `$1`, `$2`…, which both databases read. Where the databases differ in more than that, a
//! method asks for the [`Dialect`]. Numbers are 64 bits wide on both sides, ids are UUIDs, points in time are microseconds.

use std::borrow::Cow;

#[cfg(feature = "cluster")]
use recon_idempotency::postgres::unnamed::Unnamed;
#[cfg(feature = "cluster")]
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
#[cfg(feature = "embedded")]
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

#[cfg(feature = "cluster")]
use crate::postgres::Server;

#[cfg(not(any(feature = "embedded", feature = "cluster")))]
compile_error!("a store needs a database: enable the feature `embedded` (SQLite) or `cluster` (PostgreSQL)");

/// Which database reads a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    #[cfg(feature = "embedded")]
    Sqlite,
    #[cfg(feature = "cluster")]
    Postgres,
}

/// The connection of a transaction.
#[derive(Debug)]
pub(crate) enum Connection<'c> {
    #[cfg(feature = "embedded")]
    Sqlite(&'c mut SqliteConnection),
    #[cfg(feature = "cluster")]
    Postgres(&'c mut PgConnection),
    /// Behind a pooler of transactions.
    #[cfg(feature = "cluster")]
    Pooled(Unnamed<'c>),
}

/// Where a statement runs: in a transaction, or on some connection of a pool.
pub(crate) enum Place<'p> {
    Connection(Connection<'p>),
    #[cfg(feature = "embedded")]
    Sqlite(&'p SqlitePool),
    #[cfg(feature = "cluster")]
    Postgres(&'p Server),
}

/// A row that both databases give.
#[cfg(all(feature = "embedded", feature = "cluster"))]
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
#[cfg(all(feature = "embedded", feature = "cluster"))]
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A row that the database gives.
#[cfg(all(feature = "embedded", not(feature = "cluster")))]
pub(crate) trait Row: for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}
#[cfg(all(feature = "embedded", not(feature = "cluster")))]
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin {}

/// A row that the database gives.
#[cfg(all(feature = "cluster", not(feature = "embedded")))]
pub(crate) trait Row: for<'r> FromRow<'r, PgRow> + Send + Unpin {}
#[cfg(all(feature = "cluster", not(feature = "embedded")))]
impl<T> Row for T where T: for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// The value of a parameter.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Uuid(Uuid),
    Integer(Option<i64>),
    Text(Option<String>),
    Bytes(Vec<u8>),
    Bool(bool),
}

/// A statement with its values. Its text comes from this crate alone; what callers give is a value.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    text: Cow<'static, str>,
    values: Vec<Value>,
}

/// A statement of this text.
pub(crate) fn query(text: &'static str) -> Query {
    Query { text: Cow::Borrowed(text), values: Vec::new() }
}

impl Query {
    /// Gives the next parameter its value.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Adds text to the statement.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Adds a parameter with its value to the statement.
    pub(crate) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        let number = self.values.len().to_string();
        let text = self.text.to_mut();
        text.push('$');
        text.push_str(&number);
        self
    }

    /// Adds a list of parameters, with commas between them.
    pub(crate) fn push_list(&mut self, values: impl IntoIterator<Item = impl Into<Value>>) -> &mut Self {
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.push_bind(value);
        }
        self
    }

    /// Runs it on PostgreSQL, after parameters that have their values already, and gives its one row.
    #[cfg(feature = "cluster")]
    pub(crate) async fn row_after(self, first: PgArguments, server: &Server) -> sqlx::Result<PgRow> {
        let Self { text, values } = self;
        server.fetch_one(postgres_after(first, text, values)).await
    }

    /// Runs it and says how many rows it changed.
    pub(crate) async fn execute(self, place: impl Into<Place<'_>>) -> sqlx::Result<u64> {
        let Self { text, values } = self;
        match place.into() {
            #[cfg(feature = "embedded")]
            Place::Connection(Connection::Sqlite(connection)) => {
                Ok(sqlite(text, values).execute(connection).await?.rows_affected())
            }
            #[cfg(feature = "cluster")]
            Place::Connection(Connection::Postgres(connection)) => {
                Ok(postgres(text, values).execute(connection).await?.rows_affected())
            }
            #[cfg(feature = "cluster")]
            Place::Connection(Connection::Pooled(mut connection)) => {
                let query = postgres(text, values).persistent(false);
                Ok(query.execute(connection.connection()).await?.rows_affected())
            }
            #[cfg(feature = "embedded")]
            Place::Sqlite(pool) => Ok(sqlite(text, values).execute(pool).await?.rows_affected()),
            #[cfg(feature = "cluster")]
            Place::Postgres(server) => server.execute(postgres(text, values)).await,
        }
    }

    /// All of its rows.
    pub(crate) async fn fetch_all<T: Row>(self, place: impl Into<Place<'_>>) -> sqlx::Result<Vec<T>> {
        let Self { text, values } = self;
        match place.into() {
            #[cfg(feature = "embedded")]
            Place::Connection(Connection::Sqlite(connection)) => {
                rows(&sqlite(text, values).fetch_all(connection).await?)
            }
            #[cfg(feature = "cluster")]
            Place::Connection(Connection::Postgres(connection)) => {
                rows(&postgres(text, values).fetch_all(connection).await?)
            }
            #[cfg(feature = "cluster")]
            Place::Connection(Connection::Pooled(mut connection)) => {
                let query = postgres(text, values).persistent(false);
                rows(&query.fetch_all(connection.connection()).await?)
            }
            #[cfg(feature = "embedded")]
            Place::Sqlite(pool) => rows(&sqlite(text, values).fetch_all(pool).await?),
            #[cfg(feature = "cluster")]
            Place::Postgres(server) => {
                let fetched = server.in_time(server.fetch_all(postgres(text, values))).await;
                let silent = || sqlx::Error::Io(std::io::Error::other(crate::postgres::SILENT));
                rows(&fetched.ok_or_else(silent)??)
            }
        }
    }

    /// Its row, if it has one: for statements that have no more.
    pub(crate) async fn fetch_optional<T: Row>(self, place: impl Into<Place<'_>>) -> sqlx::Result<Option<T>> {
        Ok(self.fetch_all(place).await?.into_iter().next())
    }

    /// The one column of its row, if it has one.
    pub(crate) async fn scalar_optional<T>(self, place: impl Into<Place<'_>>) -> sqlx::Result<Option<T>>
    where
        (T,): Row,
    {
        Ok(self.fetch_optional::<(T,)>(place).await?.map(|(value,)| value))
    }

    /// The one column of its rows.
    pub(crate) async fn scalars<T>(self, place: impl Into<Place<'_>>) -> sqlx::Result<Vec<T>>
    where
        (T,): Row,
    {
        Ok(self.fetch_all::<(T,)>(place).await?.into_iter().map(|(value,)| value).collect())
    }

    /// Its one row.
    pub(crate) async fn fetch_one<T: Row>(self, place: impl Into<Place<'_>>) -> sqlx::Result<T> {
        self.fetch_optional(place).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// Whether it has a row.
    pub(crate) async fn exists(self, place: impl Into<Place<'_>>) -> sqlx::Result<bool> {
        /// Nothing of a row.
        struct Nothing;
        impl<'r, R: sqlx::Row> FromRow<'r, R> for Nothing {
            fn from_row(_: &'r R) -> sqlx::Result<Self> {
                Ok(Self)
            }
        }
        Ok(self.fetch_optional::<Nothing>(place).await?.is_some())
    }
}

#[cfg(feature = "embedded")]
fn sqlite(
    text: Cow<'static, str>,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, sqlx::Sqlite, SqliteArguments> {
    let query = sqlx::query(AssertSqlSafe(text));
    values.into_iter().fold(query, |query, value| match value {
        Value::Uuid(value) => query.bind(value),
        Value::Integer(value) => query.bind(value),
        Value::Text(value) => query.bind(value),
        Value::Bytes(value) => query.bind(value),
        Value::Bool(value) => query.bind(value),
    })
}

#[cfg(feature = "cluster")]
fn postgres(
    text: Cow<'static, str>,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, sqlx::Postgres, PgArguments> {
    postgres_after(PgArguments::default(), text, values)
}

/// A statement whose first parameters have their values already.
#[cfg(feature = "cluster")]
fn postgres_after(
    first: PgArguments,
    text: Cow<'static, str>,
    values: Vec<Value>,
) -> sqlx::query::Query<'static, sqlx::Postgres, PgArguments> {
    let query = sqlx::query_with(AssertSqlSafe(text), first);
    values.into_iter().fold(query, |query, value| match value {
        Value::Uuid(value) => query.bind(value),
        Value::Integer(value) => query.bind(value),
        Value::Text(value) => query.bind(value.map(without_nul)),
        Value::Bytes(value) => query.bind(value),
        Value::Bool(value) => query.bind(value),
    })
}

/// PostgreSQL keeps no NUL in a text. Names have none; what people read about a file may.
#[cfg(feature = "cluster")]
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{FFFD}") } else { text }
}

fn rows<R: sqlx::Row, T: for<'r> FromRow<'r, R>>(rows: &[R]) -> sqlx::Result<Vec<T>> {
    rows.iter().map(T::from_row).collect()
}

impl Connection<'_> {
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(_) => Dialect::Sqlite,
            #[cfg(feature = "cluster")]
            Self::Postgres(_) | Self::Pooled(_) => Dialect::Postgres,
        }
    }
}

impl<'p> From<&'p mut Connection<'_>> for Place<'p> {
    fn from(connection: &'p mut Connection<'_>) -> Self {
        Self::Connection(match connection {
            #[cfg(feature = "embedded")]
            Connection::Sqlite(connection) => Connection::Sqlite(connection),
            #[cfg(feature = "cluster")]
            Connection::Postgres(connection) => Connection::Postgres(connection),
            #[cfg(feature = "cluster")]
            Connection::Pooled(connection) => Connection::Pooled(Unnamed::new(connection.connection())),
        })
    }
}

macro_rules! values {
    ($($from:ty => $make:expr;)+) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                $make(value)
            }
        }
    )+};
}

values! {
    Uuid => Value::Uuid;
    i64 => |value| Value::Integer(Some(value));
    u32 => |value| Value::Integer(Some(i64::from(value)));
    Option<i64> => Value::Integer;
    bool => Value::Bool;
    String => |value| Value::Text(Some(value));
    &str => |value: &str| Value::Text(Some(value.to_owned()));
    &String => |value: &String| Value::Text(Some(value.clone()));
    Option<&str> => |value: Option<&str>| Value::Text(value.map(str::to_owned));
    &[u8] => |value: &[u8]| Value::Bytes(value.to_vec());
}
