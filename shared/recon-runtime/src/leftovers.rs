//! Tidying after an answer that does not depend on it.

use std::time::Duration;

use recon_domain::ReconciliationId;
use recon_store::{Leftovers, Removed};

use crate::because;

/// Removes what attempts at a reconciliation left behind, for as long as `patience` lasts. What is not removed is seen by
/// nobody, so that it is a matter for the log and the sweeper and fails no request.
pub async fn clean_up(leftovers: &Leftovers, reconciliation: ReconciliationId, patience: Duration) {
    match leftovers.remove(reconciliation, patience).await {
        Ok(Removed { breaks: 0, objects: 0, all: _ }) => {}
        Ok(Removed { breaks, objects, all }) => {
            tracing::info!(%reconciliation, breaks, objects, all, "what was left behind is removed");
        }
        Err(error) => {
            let because = because(&error);
            tracing::warn!(%reconciliation, %error, because, "what was left behind is not removed");
        }
    }
}
