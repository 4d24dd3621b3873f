//! Whether a worker may work: only on a schema that serves this build.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use recon_store::{Error, Schema, Store};

/// What a worker knows about the schema. Clones share it, so that of all lanes one says what is wrong.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<Known>>);

#[derive(Default, PartialEq, Eq)]
enum Known {
    #[default]
    Nothing,
    Serves,
    /// It does not serve, and people were told so.
    Told(Schema),
}

impl Gate {
    /// Whether the schema serves this build. It is looked at until it does.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn serves(&self, store: &Store) -> Result<bool, Error> {
        if *self.known() == Known::Serves {
            return Ok(true);
        }
        let schema = store.check().await?;
        // Lanes look at the same time: the one that changes what is known speaks.
        let mut known = self.known();
        match schema {
            Schema::Compatible { .. } => {
                if let Known::Told(_) = mem::replace(&mut *known, Known::Serves) {
                    tracing::info!("worker takes jobs again: {schema}");
                }
                Ok(true)
            }
            Schema::Older { .. } | Schema::Newer { .. } => {
                if mem::replace(&mut *known, Known::Told(schema)) != Known::Told(schema) {
                    tracing::error!("worker waits: {schema}");
                }
                Ok(false)
            }
        }
    }

    /// Looks again before the next job.
    pub(crate) fn doubt(&self) {
        let mut known = self.known();
        if *known == Known::Serves {
            *known = Known::Nothing;
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
