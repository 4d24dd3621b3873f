//! Idempotency keys, as those who used them may see them.

use std::sync::Arc;

use recon_idempotency::metrics::StoreKind;
use recon_idempotency::{ClaimStore, Entry, IdempotencyKey, Scope};

use crate::Error;
use crate::database::Database;

/// Idempotency keys. What claims them is every method that takes a `Guard`.
#[derive(Clone)]
pub struct Keys {
    pub(crate) database: Database,
}

impl Keys {
    /// Claims for work whose effect is not in these records.
    #[must_use]
    pub fn claims(&self) -> Arc<dyn ClaimStore> {
        self.database.claims()
    }

    /// Where the keys are that are claimed with an effect in these records.
    #[must_use]
    pub fn kind(&self) -> StoreKind {
        self.database.key_store()
    }

    /// What became of a key of this workspace and principal; `None` when it was never used, or is forgotten.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn find(&self, scope: &Scope, key: &IdempotencyKey) -> Result<Option<Entry>, Error> {
        self.database.find_key(scope, key).await
    }
}
