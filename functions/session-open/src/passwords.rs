//! Passwords are checked off the async threads, a few at a time.

use std::sync::Arc;

use recon_runtime::Refusal;
use recon_session::password::{Password, PasswordHash, Verdict, verify};
use tokio::sync::Semaphore;

/// Checks at once. Each takes 19 MiB and a core for some tens of milliseconds; more of them would only wait longer.
const CHECKS_MAX: usize = 4;

/// Checks passwords.
#[derive(Clone)]
pub(crate) struct Passwords(Arc<Semaphore>);

impl Passwords {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(CHECKS_MAX)))
    }

    /// Whether the password is the one that was kept. Without anything kept it takes as long and is wrong.
    pub(crate) async fn are_right(
        &self,
        password: Password,
        kept: Option<PasswordHash>,
    ) -> Result<bool, Refusal> {
        // Held by the check itself, which goes on when its caller does not.
        let permit = Arc::clone(&self.0).acquire_owned().await.map_err(Refusal::internal)?;
        let check = tokio::task::spawn_blocking(move || {
            let verdict = verify(&password, kept.as_ref());
            drop(permit);
            verdict
        });
        match check.await.map_err(Refusal::internal)?? {
            Verdict::Right | Verdict::RightOutdated => Ok(true),
            Verdict::Wrong => Ok(false),
        }
    }
}
