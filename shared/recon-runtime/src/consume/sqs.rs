//! A queue's messages as wake-ups.

use std::error::Error;
use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};

use super::Turn;
use crate::because;

/// Takes a turn for each message until Lambda ends the process.
///
/// # Errors
/// When the runtime API cannot be polled.
pub(super) async fn consume_messages<F, E>(turn: impl Fn() -> F + Clone) -> Result<(), lambda_runtime::Error>
where
    F: Future<Output = Result<Turn, E>>,
    E: Error,
{
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let turn = turn.clone();
        async move { wake(&event.payload, turn).await }
    }))
    .await
}

/// Takes a turn for each message of a batch, and names those that have to come again.
///
/// A message only says that there is something to do, and jobs are in the database: a turn that finds none is a
/// message that came twice. One for which no job may be taken yet comes again.
async fn wake<F, E>(event: &Value, turn: impl Fn() -> F) -> Result<Value, lambda_runtime::Error>
where
    F: Future<Output = Result<Turn, E>>,
    E: Error,
{
    let records = event["Records"].as_array().ok_or("the event is no batch of messages")?;
    let ids = records.iter().map(|record| record["messageId"].as_str());
    let ids: Vec<&str> = ids.collect::<Option<_>>().ok_or("a message of the batch has no id")?;
    let mut failures = Vec::new();
    for id in ids {
        match turn().await {
            Ok(Turn::Worked | Turn::Idle) => continue,
            Ok(Turn::Waiting) => {}
            Err(error) => {
                tracing::error!(message = id, %error, because = because(&error), "worker cannot take a job");
            }
        }
        failures.push(json!({ "itemIdentifier": id }));
    }
    Ok(json!({ "batchItemFailures": failures }))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn only_messages_whose_turn_failed_or_has_to_wait_come_again() {
        let turns = Cell::new(0);
        let event = json!({"Records": [
            {"messageId": "a", "body": "x"}, {"messageId": "b"}, {"messageId": "c"}, {"messageId": "d"},
        ]});
        let answer = wake(&event, || {
            turns.set(turns.get() + 1);
            let outcome = match turns.get() {
                1 => Ok(Turn::Worked),
                2 => Err(std::io::Error::other("no database")),
                3 => Ok(Turn::Waiting),
                _ => Ok(Turn::Idle),
            };
            async move { outcome }
        });
        assert_eq!(
            answer.await.unwrap(),
            json!({"batchItemFailures": [{"itemIdentifier": "b"}, {"itemIdentifier": "c"}]})
        );
    }

    #[tokio::test]
    async fn what_is_no_batch_fails_as_a_whole_before_any_turn() {
        for event in [json!({}), json!([]), json!({"Records": [{"messageId": "a"}, {"body": "b"}]})] {
            let answer = wake(&event, || async { panic!("no turn") as Result<Turn, std::io::Error> }).await;
            assert!(answer.is_err(), "{event}");
        }
    }
}
