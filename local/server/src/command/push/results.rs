//! The results of a run on the server, as `recon match --out` writes them.

use std::io;
use std::path::Path;

use anyhow::{Context, Result};
use recon_contract::{ResultFormat, ResultPart, Summary, rules};
use recon_domain::ReconciliationId;
use serde_json::Value;

use super::super::output;
use super::client::Client;
use crate::progress::Bar;

/// The format in which results are fetched.
pub(super) const FORMAT: ResultFormat = ResultFormat::Csv;

/// Fetches every result file into the folder, which is made when it is not there.
pub(super) fn fetch(
    client: &Client<'_>,
    id: ReconciliationId,
    (folder, inputs): (&Path, &[&Path]),
    document: &Value,
    summary: &Summary,
) -> Result<()> {
    let _wheel = Bar::wheel(format!("writing {}", folder.display()));
    let fetched = || {
        std::fs::create_dir_all(folder)?;
        for part in ResultPart::ALL.iter().copied() {
            let path = format!("/v1/reconciliations/{id}/export?what={part}&format={FORMAT}");
            output::whole(folder, &output::name(part, FORMAT), |out| {
                io::copy(&mut client.download(&path)?, out).with_context(|| format!("GET {path}"))?;
                Ok(())
            })?;
        }
        output::whole(folder, "rules.toml", |out| Ok(out.write_all(rules::to_toml(document).as_bytes())?))?;
        output::summary(folder, summary)?;
        output::remove_stale(folder, FORMAT, inputs)
    };
    fetched().with_context(|| format!("write the results to {}", folder.display()))
}
