//! A queue's messages as wake-ups.

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lambda_runtime::{LambdaEvent, service_fn};
use recon_idempotency::ClaimStore;
use recon_idempotency::message::{Delivery, Message, deliver};
use recon_idempotency::work::Failed;
use serde_json::{Value, json};

use super::Turn;
use crate::because;

/// How long a message is in flight after its function was killed. While the function runs, heartbeats renew it.
const LEASE: Duration = Duration::from_secs(60);
/// How long a message is known that was worked off: as long as a queue of Amazon's keeps one at most.
const RETENTION: Duration = Duration::from_hours(14 * 24);

/// Takes a turn for each message until Lambda ends the process.
///
/// # Errors
/// When the runtime API cannot be polled.
pub(super) async fn consume_messages<F, E>(
    claims: Arc<dyn ClaimStore>,
    turn: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> Result<(), lambda_runtime::Error>
where
    F: Future<Output = Result<Turn, E>> + Send + 'static,
    E: Error + Send + 'static,
{
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let (claims, turn) = (claims.clone(), turn.clone());
        async move { wake(&event.payload, &claims, turn).await }
    }))
    .await
}

/// One message of a batch.
struct Record<'a> {
    queue: &'a str,
    id: &'a str,
    body: &'a str,
}

impl<'a> Record<'a> {
    fn read(record: &'a Value) -> Option<Self> {
        let text = |name: &str| record[name].as_str();
        let (queue, body) = (text("eventSourceARN").unwrap_or_default(), text("body").unwrap_or_default());
        Some(Self { queue, id: text("messageId")?, body })
    }
}

/// Why a message is not worked off.
#[derive(Debug, thiserror::Error)]
enum Refused<E> {
    #[error("no job may be taken yet")]
    Waiting,
    #[error("worker cannot take a job")]
    Failed(#[source] E),
}

/// Takes a turn for each message of a batch, and names those that have to come again.
///
/// A message only says that there is something to do, and jobs are in the database: what one came for may have been
/// done already. One that was worked off and comes a second time takes no other job; one that is being worked off by another
/// process comes again, in case that one ends before its time.
async fn wake<F, E>(
    event: &Value,
    claims: &Arc<dyn ClaimStore>,
    turn: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> Result<Value, lambda_runtime::Error>
where
    F: Future<Output = Result<Turn, E>> + Send + 'static,
    E: Error + Send + 'static,
{
    let records = event["Records"].as_array().ok_or("the event is no batch of messages")?;
    let records: Vec<Record<'_>> =
        records.iter().map(Record::read).collect::<Option<_>>().ok_or("a message of the batch has no id")?;
    let mut failures = Vec::new();
    for Record { queue, id, body } in records {
        let message = Message { queue, id, body: body.as_bytes() };
        let turn = turn.clone();
        // What a turn does is written under leases of its own, so a turn that failed may be taken again at once.
        let work = async move |_| match turn().await {
            Ok(Turn::Worked | Turn::Idle) => Ok(()),
            Ok(Turn::Waiting) => Err(Failed::NoEffect(Refused::Waiting)),
            Err(error) => Err(Failed::NoEffect(Refused::Failed(error))),
        };
        match deliver(claims.clone(), &message, LEASE, RETENTION, work).await {
            Ok(Delivery::Done) => continue,
            Ok(Delivery::Duplicate) => {
                tracing::debug!(message = id, "a message that was worked off came again");
                continue;
            }
            Ok(Delivery::InFlight { .. }) => tracing::debug!(message = id, "another process has the message"),
            Ok(Delivery::Mismatch) => tracing::error!(message = id, "a message with the id of another one"),
            Err(error) => {
                tracing::error!(message = id, %error, because = because(&error), "message not worked off");
            }
        }
        failures.push(json!({ "itemIdentifier": id }));
    }
    Ok(json!({ "batchItemFailures": failures }))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use recon_idempotency::StoreTime;
    use recon_idempotency::memory::Store;

    use super::*;

    #[derive(Clone, Copy)]
    enum Comes {
        Out(Turn),
        Fails,
    }

    fn store() -> Arc<dyn ClaimStore> {
        Arc::new(Store::new(|| StoreTime::from_micros(1_000_000)))
    }

    /// The messages of a batch that come again, where turns come out so, and how many turns were taken.
    async fn woken(
        claims: &Arc<dyn ClaimStore>,
        event: &Value,
        outcomes: &'static [Comes],
    ) -> (Value, usize) {
        let turns = Arc::new(AtomicUsize::new(0));
        let count = turns.clone();
        let turn = move || {
            let outcome = outcomes[count.fetch_add(1, Ordering::SeqCst)];
            async move {
                match outcome {
                    Comes::Out(turn) => Ok(turn),
                    Comes::Fails => Err(std::io::Error::other("no database")),
                }
            }
        };
        let answer = wake(event, claims, turn).await.unwrap();
        (answer["batchItemFailures"].clone(), turns.load(Ordering::SeqCst))
    }

    fn again(ids: &[&str]) -> Value {
        ids.iter().map(|id| json!({ "itemIdentifier": id })).collect()
    }

    #[tokio::test]
    async fn only_messages_whose_turn_failed_or_has_to_wait_come_again() {
        use Comes::{Fails, Out};
        let claims = store();
        let event = json!({"Records": [
            {"messageId": "a", "body": "x"}, {"messageId": "b"}, {"messageId": "c"}, {"messageId": "d"},
        ]});
        let first =
            woken(&claims, &event, &[Out(Turn::Worked), Fails, Out(Turn::Waiting), Out(Turn::Idle)]).await;
        assert_eq!(first, (again(&["b", "c"]), 4));
        // The whole batch once more, as when the answer was lost: what was worked off takes no other job.
        let second = woken(&claims, &event, &[Out(Turn::Worked), Out(Turn::Worked)]).await;
        assert_eq!(second, (again(&[]), 2));
        assert_eq!(woken(&claims, &event, &[]).await, (again(&[]), 0));
        // The same id in another queue is another message, and one with another body is somebody's mistake.
        let other = json!({"Records": [{"messageId": "a", "body": "x", "eventSourceARN": "other"}]});
        assert_eq!(woken(&claims, &other, &[Out(Turn::Worked)]).await, (again(&[]), 1));
        let mistaken = json!({"Records": [{"messageId": "a", "body": "y"}]});
        assert_eq!(woken(&claims, &mistaken, &[]).await, (again(&["a"]), 0));
    }

    #[tokio::test]
    async fn a_message_that_another_process_has_comes_again() {
        let claims = store();
        let message = Message { queue: "", id: "a", body: b"" };
        let _ = claims.claim(&message.request(RETENTION), LEASE).await.unwrap();
        let event = json!({"Records": [{"messageId": "a"}]});
        assert_eq!(woken(&claims, &event, &[]).await, (again(&["a"]), 0));
    }

    #[tokio::test]
    async fn what_is_no_batch_fails_as_a_whole_before_any_turn() {
        for event in [json!({}), json!([]), json!({"Records": [{"messageId": "a"}, {"body": "b"}]})] {
            let turn = || async { panic!("no turn") as Result<Turn, std::io::Error> };
            assert!(wake(&event, &store(), turn).await.is_err(), "{event}");
        }
    }
}
