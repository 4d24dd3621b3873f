//! What a database says about its schema, and what that means for this build.

use crate::row::count;
use crate::{Error, Schema};

/// What a database says about its schema.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) version: u32,
    pub(crate) min_compatible: u32,
}

impl TryFrom<(i64, i64)> for Found {
    type Error = Error;

    fn try_from((version, min_compatible): (i64, i64)) -> Result<Self, Error> {
        Ok(Self {
            version: count("schema_version.version", version)?,
            min_compatible: count("schema_version.min_compatible", min_compatible)?,
        })
    }
}

/// Whether a build that knows this version can work with what was found.
pub(crate) fn judge(found: Option<Found>, known: u32) -> Schema {
    match found {
        Some(Found { version, min_compatible }) if min_compatible > known => {
            Schema::Newer { found: version, min_compatible, known }
        }
        Some(Found { version, .. }) if version >= known => Schema::Compatible { version },
        older => Schema::Older { found: older.map_or(0, |found| found.version), needed: known },
    }
}
