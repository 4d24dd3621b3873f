//! Idempotency keys, as those who used them may see them.

use recon_idempotency::{Entry, IdempotencyKey, Scope};

use crate::Error;
use crate::database::Database;

/// Idempotency keys. What claims them is every method that takes a `Guard`.
#[derive(Clone)]
pub struct Keys {
    pub(crate) database: Database,
}

impl Keys {
    /// What became of a key of this workspace and principal; `None` when it was never used, or is forgotten.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn find(&self, scope: &Scope, key: &IdempotencyKey) -> Result<Option<Entry>, Error> {
        self.database.find_key(scope, key).await
    }
}
