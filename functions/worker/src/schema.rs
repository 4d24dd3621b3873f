//! Whether a worker may work: only on a schema that serves this build, and on the objects of its database.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use recon_store::{Error, Schema, Store, Tie};
use tokio::time::Instant;

/// How long what was looked at is believed: a migration may come while a worker runs.
const BELIEVED_FOR: Duration = Duration::from_secs(10);

/// What a worker knows about what it stands on. Clones share it, so that of all lanes one says what is wrong.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Mutex<Known>>);

#[derive(Default, PartialEq, Eq)]
enum Known {
    #[default]
    Nothing,
    /// It serves, as was seen then.
    Serves(Instant),
    /// It does not serve, and people were told so.
    Told(String),
}

impl Gate {
    /// Whether schema and objects serve. They are looked at until they do, and now and then after that.
    ///
    /// # Errors
    /// When one of them does not answer.
    pub(crate) async fn serves(&self, store: &Store) -> Result<bool, Error> {
        if matches!(&*self.known(), Known::Serves(seen) if seen.elapsed() < BELIEVED_FOR) {
            return Ok(true);
        }
        let obstacle = obstacle(store).await?;
        // Lanes look at the same time: the one that changes what is known speaks.
        let mut known = self.known();
        match obstacle {
            None => {
                if let Known::Told(_) = mem::replace(&mut *known, Known::Serves(Instant::now())) {
                    tracing::info!("worker takes jobs again");
                }
                Ok(true)
            }
            Some(obstacle) => {
                let told = Known::Told(obstacle.clone());
                if *known != told {
                    tracing::error!("worker waits: {obstacle}");
                    *known = told;
                }
                Ok(false)
            }
        }
    }

    /// Looks again before the next job.
    pub(crate) fn doubt(&self) {
        let mut known = self.known();
        if let Known::Serves(_) = *known {
            *known = Known::Nothing;
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has to change before a job may be taken: with other objects than its database's, a worker would reject uploads
/// that it cannot find.
async fn obstacle(store: &Store) -> Result<Option<String>, Error> {
    match store.check().await? {
        Schema::Compatible { .. } => {}
        schema @ (Schema::Older { .. } | Schema::Newer { .. }) => return Ok(Some(schema.to_string())),
    }
    Ok(match store.objects_tie().await? {
        Tie::Ours | Tie::Loose => None,
        tie @ Tie::Foreign => Some(tie.to_string()),
    })
}
