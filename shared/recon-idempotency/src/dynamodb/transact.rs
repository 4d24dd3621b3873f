//! Local effects: items of the same account and region, in one transaction with the key.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{AttributeValue, CancellationReason, TransactWriteItem};

use super::item::{self, Answer, Item};
use super::write::{Table, unavailable};
use super::{Store, TRIES_MAX, pause};
use crate::found::{self, Drawn};
use crate::transition::RETRY_AFTER_MIN;
use crate::{ClaimOutcome, Claimed, Error, Guard, Unstorable};

/// What a transaction has room for beside the key.
pub const WRITES_MAX: usize = 99;

const CONDITION_FAILED: &str = "ConditionalCheckFailed";
const CONFLICT: &str = "TransactionConflict";
/// What is wrong with a whole transaction.
const INVALID: &str = "ValidationException";
/// What is wrong with one of its writes.
const INVALID_WRITE: [&str; 2] = ["ValidationError", "ItemCollectionSizeLimitExceeded"];

/// A local effect: what it writes, and what it gives.
#[derive(Debug, Clone)]
pub struct Effect<T> {
    /// What the answer is rendered from.
    pub value: T,
    /// At most [`WRITES_MAX`] writes and checks, with conditions of their own, none of them on the key's item.
    pub writes: Vec<TransactWriteItem>,
}

/// Why a guarded effect did not happen. Nothing was written, and no key remains, unless the store did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GuardedError {
    /// A condition of the caller's own does not hold.
    #[error("the condition of write {index} does not hold")]
    Refused {
        /// Which of the writes, from 0: the first whose condition failed.
        index: usize,
        /// What is there, if the write asks for that.
        item: Option<HashMap<String, AttributeValue>>,
    },
    /// More writes than a transaction has room for.
    #[error("{writes} writes do not fit beside the key, {WRITES_MAX} do")]
    TooMany {
        /// How many there are.
        writes: usize,
    },
    /// What the writes say is never taken, however often it is sent: one is malformed or makes an item too large, two are on one
    /// item, or all of them together are too large.
    #[error("the writes of the effect are not valid")]
    Invalid {
        /// Which of the writes, from 0, where that is known.
        index: Option<usize>,
        /// What DynamoDB says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The key could not be written.
    #[error(transparent)]
    Key(#[from] Error),
}

impl From<Unstorable> for GuardedError {
    fn from(unstorable: Unstorable) -> Self {
        Self::Key(unstorable.into())
    }
}

/// How a transaction ended that was sent.
enum Sent {
    Done,
    /// The key's item is not what was expected, but this.
    Held(Option<Item>),
    /// Somebody else was writing the key's item.
    KeyContended,
    /// Somebody else was writing an item of the effect.
    EffectContended(Error),
}

/// Runs a local effect at most once for its key: the effect, the key and the answer are one transaction, so there is no time
/// at which the key is held and nothing is done. When a condition of the effect fails, no key remains.
///
/// A key that is held decides, also where a condition of the effect fails: the first run may have made it so.
///
/// # Errors
/// [`GuardedError`].
pub async fn guarded<T>(
    store: &Store,
    guard: &Guard<T>,
    effect: Effect<T>,
) -> Result<ClaimOutcome<T>, GuardedError> {
    let Effect { value, writes } = effect;
    if writes.len() > WRITES_MAX {
        return Err(GuardedError::TooMany { writes: writes.len() });
    }
    let request = guard.request();
    let response = guard.render(&value);
    // What cannot be kept is refused before anything else is asked.
    Answer::new(&response, store.now())?;
    let table = store.table().await?;
    let mut seen: Option<Item> = None;
    let mut failed = None;
    for tried in 0..TRIES_MAX {
        let now = store.now();
        let found = store.read(seen.as_ref())?;
        let claim = match found::begin(found, request, now, Drawn::random)? {
            Claimed::Run(claim) => claim,
            Claimed::Held(held) => return Ok(held.into()),
        };
        let answer = Answer::new(&response, now.plus(request.retention))?;
        let item = item::completed(request, &claim, &answer, store.skew_max);
        match table.transact(item, seen.as_ref(), &writes).await? {
            Sent::Done => return Ok(ClaimOutcome::Fresh { value, response }),
            Sent::Held(found) => seen = found,
            Sent::KeyContended => pause(tried).await,
            Sent::EffectContended(error) => {
                failed = Some(error);
                pause(tried).await;
            }
        }
    }
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(ClaimOutcome::InFlight { retry_after: RETRY_AFTER_MIN }),
    }
}

impl Table {
    async fn transact(
        &self,
        item: Item,
        over: Option<&Item>,
        writes: &[TransactWriteItem],
    ) -> Result<Sent, GuardedError> {
        let put = self.put_in_transaction(item, over)?;
        let mut items = vec![TransactWriteItem::builder().put(put).build()];
        items.extend_from_slice(writes);
        // The client gives each transaction a token, so one that is sent again after a lost answer is done once.
        let transaction = self.client.transact_write_items().set_transact_items(Some(items));
        let Err(error) = transaction.send().await else { return Ok(Sent::Done) };
        let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) = error.as_service_error()
        else {
            return Err(match error.code() {
                Some(INVALID) => GuardedError::Invalid { index: None, source: error.into() },
                _ => unavailable(error).into(),
            });
        };
        let [key, rest @ ..] = cancelled.cancellation_reasons() else {
            return Err(unavailable(error).into());
        };
        if is(key, CONDITION_FAILED) {
            return Ok(Sent::Held(key.item.clone()));
        }
        if is(key, CONFLICT) {
            return Ok(Sent::KeyContended);
        }
        if let Some((index, reason)) =
            rest.iter().enumerate().find(|(_, reason)| is(reason, CONDITION_FAILED))
        {
            return Err(GuardedError::Refused { index, item: reason.item.clone() });
        }
        let is_invalid = |reason: &CancellationReason| INVALID_WRITE.iter().any(|code| is(reason, code));
        match rest.iter().position(is_invalid) {
            Some(index) => Err(GuardedError::Invalid { index: Some(index), source: error.into() }),
            None if rest.iter().any(|reason| is(reason, CONFLICT)) => {
                Ok(Sent::EffectContended(unavailable(error)))
            }
            None => Err(unavailable(error).into()),
        }
    }
}

fn is(reason: &CancellationReason, code: &str) -> bool {
    reason.code() == Some(code)
}
