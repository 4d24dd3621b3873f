//! Breaks as clients see them.

use recon_contract::{Break, Nearest, Values};
use recon_store::BreakRecord;
use serde::Deserialize;

use crate::Refusal;

/// What a run says of a break beside its place and its kind.
#[derive(Deserialize)]
struct Found {
    values: Values,
    nearest: Option<Nearest>,
    twin: Option<u64>,
}

/// A break.
///
/// # Errors
/// When the record holds what this version cannot read.
pub fn break_of(record: &BreakRecord) -> Result<Break, Refusal> {
    let found: Found = record.body.read()?;
    Ok(Break {
        id: record.id,
        version: record.version,
        side: record.side,
        kind: record.kind,
        row: u64::from(record.row),
        values: found.values,
        nearest: found.nearest,
        twin: found.twin,
        status: record.status,
        // Nobody can resolve a break yet.
        resolution: None,
    })
}
