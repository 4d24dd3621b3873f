//! The breaks of a result, page by page from their table into a file.

use std::fs::File;
use std::io::Write;

use recon_contract::ResultFormat;
use recon_domain::{ReconciliationId, WorkspaceId};
use recon_formats::results::matches_parquet::{self, Reader};
use recon_formats::results::{BreakBody, BreaksWriter};
use recon_runtime::{Refusal, wire};
use recon_store::{BREAKS_PER_PAGE_MAX, BreakFilter, BreakPage, BreakPlace, BreakRecord, BreakSeek, Breaks};
use tokio::runtime::Handle;

/// Why breaks cannot be written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Results(#[from] recon_formats::results::Error),
    #[error(transparent)]
    Matches(#[from] matches_parquet::Error),
    #[error(transparent)]
    Store(#[from] recon_store::Error),
    /// A break that this version cannot read.
    #[error(transparent)]
    Break(#[from] Refusal),
    /// Somebody deleted it half way.
    #[error("the reconciliation is gone")]
    Gone,
}

/// Published breaks, for a thread that may wait.
pub(crate) struct StoredBreaks {
    breaks: Breaks,
    workspace: WorkspaceId,
    reconciliation: ReconciliationId,
    runtime: Handle,
}

impl StoredBreaks {
    /// Must be called where the runtime is.
    pub(crate) fn new(breaks: Breaks, workspace: WorkspaceId, reconciliation: ReconciliationId) -> Self {
        Self { breaks, workspace, reconciliation, runtime: Handle::current() }
    }

    fn page(&self, after: Option<BreakPlace>) -> Result<BreakPage, Error> {
        let seek = BreakSeek { after, limit: BREAKS_PER_PAGE_MAX };
        let list = self.breaks.list(self.workspace, self.reconciliation, BreakFilter::default(), seek);
        self.runtime.block_on(list)?.ok_or(Error::Gone)
    }
}

/// Writes the breaks. What is shown of them is what the matches show.
pub(crate) fn write_breaks(
    breaks: &StoredBreaks,
    matches: File,
    format: ResultFormat,
    out: impl Write + Send,
) -> Result<(), Error> {
    let columns = Reader::open(matches)?.columns()?.to_vec();
    let mut writer = BreaksWriter::new(columns, format, out)?;
    let mut after = None;
    loop {
        let page = breaks.page(after)?;
        for record in &page.items {
            writer.write(&body(record)?)?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(writer.finish()?);
        }
    }
}

/// The break as the run found it.
fn body(record: &BreakRecord) -> Result<BreakBody, Refusal> {
    let found = wire::break_of(record)?;
    let (values, nearest, twin) = (found.values, found.nearest, found.twin);
    Ok(BreakBody { side: record.side, kind: record.kind, row: record.row, values, nearest, twin })
}
