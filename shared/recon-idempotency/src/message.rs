//! Messages of queues that deliver each at least once.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::key::put;
use crate::work::{Failed, WorkError, run};
use crate::{
    ClaimOutcome, ClaimStore, Fingerprint, IdempotencyKey, Request, Scope, Seed, StoredResponse, Unanswered,
};

/// The method under which messages are kept.
const METHOD: &str = "MESSAGE";

/// A message, as its queue delivers it.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The queue: messages of two queues are never the same.
    pub queue: &'a str,
    /// The id that every delivery of the message has.
    pub id: &'a str,
    /// What it says.
    pub body: &'a [u8],
}

/// What is to be done with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The work is done: acknowledge it.
    Done,
    /// The work was done for another delivery: acknowledge it, too.
    Duplicate,
    /// Another delivery is being worked off: do not acknowledge this one, or nobody has it when that one fails.
    InFlight {
        /// How long it may take: at least a second, at most five.
        retry_after: Duration,
    },
    /// Its id was that of another message: nothing ran.
    Mismatch,
}

impl Message<'_> {
    /// The request that every delivery of the message is.
    #[must_use]
    pub fn request(&self, retention: Duration) -> Unanswered {
        let digest = |label: &str, text: &str| -> [u8; 32] {
            let mut hasher = Sha256::new_with_prefix(b"idempotency message\0");
            put(&mut hasher, label.as_bytes());
            put(&mut hasher, text.as_bytes());
            hasher.finalize().into()
        };
        let mut queue = [0; 16];
        queue.copy_from_slice(&digest("queue", self.queue)[..16]);
        let request = Request {
            method: METHOD,
            path: self.queue,
            query: "",
            media_type: "",
            headers: &[],
            body: self.body,
        };
        Unanswered {
            scope: Scope {
                workspace: uuid::Builder::from_custom_bytes(queue).into_uuid(),
                principal: Uuid::nil(),
            },
            key: IdempotencyKey::of_digest(&digest("id", self.id)),
            fingerprint: Fingerprint::of(&request),
            method: METHOD.to_owned(),
            path: self.queue.to_owned(),
            retention,
            wait_until: None,
        }
    }
}

/// Works a message off at most once at a time, and never again once it is done; [`run`] says how.
///
/// `lease` is how long a message whose worker was killed is in flight: the time that a function has left, or a few heartbeats.
/// `retention` has to outlast the time in which the queue may deliver the message again.
///
/// # Errors
/// [`WorkError`]: do not acknowledge it.
pub async fn deliver<F, W, E>(
    store: Arc<dyn ClaimStore>,
    message: &Message<'_>,
    lease: Duration,
    retention: Duration,
    work: F,
) -> Result<Delivery, WorkError<E>>
where
    F: FnOnce(Seed) -> W + Send + 'static,
    W: Future<Output = Result<(), Failed<E>>> + Send + 'static,
    E: Send + 'static,
{
    let done = |()| StoredResponse::new(204, Vec::<(String, String)>::new(), Vec::new());
    let work = async move |seed| work(seed).await.map(done);
    Ok(match run(store, message.request(retention), lease, work).await? {
        ClaimOutcome::Fresh { .. } => Delivery::Done,
        ClaimOutcome::Replay { .. } => Delivery::Duplicate,
        ClaimOutcome::InFlight { retry_after } => Delivery::InFlight { retry_after },
        ClaimOutcome::Mismatch => Delivery::Mismatch,
    })
}
