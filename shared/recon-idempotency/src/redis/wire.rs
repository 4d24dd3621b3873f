//! What goes to the script and comes back.

use std::time::Duration;

use ::redis::{RedisWrite, ToRedisArgs};

use crate::sql::Row;
use crate::{Error, StoreTime};

/// The fields of a record in the order of `NAMES` in the script.
pub(super) type Columns = [Option<Vec<u8>>; 13];

pub(super) fn row(now: i64, columns: Columns) -> Result<Row, Error> {
    let [
        fingerprint,
        method,
        path,
        state,
        fence,
        claim_token,
        seed,
        lease_until,
        expires_at,
        status,
        headers,
        body,
        reference,
    ] = columns;
    Ok(Row {
        now,
        fingerprint,
        method: text(method, "method")?,
        path: text(path, "path")?,
        state: text(state, "state")?,
        fence: number(fence, "fence")?,
        claim_token,
        seed,
        lease_until: number(lease_until, "lease_until")?,
        expires_at: number(expires_at, "expires_at")?,
        status: number(status, "status")?,
        headers: text(headers, "headers")?,
        body,
        reference,
    })
}

fn text(field: Option<Vec<u8>>, column: &'static str) -> Result<Option<String>, Error> {
    field.map(String::from_utf8).transpose().map_err(|_| Error::Corrupt { column })
}

fn number(field: Option<Vec<u8>>, column: &'static str) -> Result<Option<i64>, Error> {
    text(field, column)?.map(|digits| digits.parse()).transpose().map_err(|_| Error::Corrupt { column })
}

/// An argument of the script.
#[derive(Debug, Clone, Copy)]
pub(super) enum Argument<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Integer(i64),
    /// In microseconds.
    Duration(Duration),
}

impl ToRedisArgs for Argument<'_> {
    fn write_redis_args<W: ?Sized + RedisWrite>(&self, out: &mut W) {
        match self {
            Self::Text(text) => out.write_arg(text.as_bytes()),
            Self::Bytes(bytes) => out.write_arg(bytes),
            Self::Integer(number) => out.write_arg_fmt(number),
            Self::Duration(duration) => out.write_arg_fmt(StoreTime::from_micros(0).plus(*duration).micros()),
        }
    }
}
