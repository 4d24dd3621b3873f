//! A queue's messages as wake-ups.

use std::fmt::Display;
use std::future::Future;

use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};

use super::Turn;

/// Takes a turn for each message until Lambda ends the process.
///
/// # Errors
/// When the runtime API cannot be polled.
pub(super) async fn consume_messages<F, E>(turn: impl Fn() -> F + Clone) -> Result<(), lambda_runtime::Error>
where
    F: Future<Output = Result<Turn, E>>,
    E: Display,
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
/// message that came twice.
async fn wake<F, E>(event: &Value, turn: impl Fn() -> F) -> Result<Value, lambda_runtime::Error>
where
    F: Future<Output = Result<Turn, E>>,
    E: Display,
{
    let records = event["Records"].as_array().ok_or("the event is no batch of messages")?;
    let ids = records.iter().map(|record| record["messageId"].as_str());
    let ids: Vec<&str> = ids.collect::<Option<_>>().ok_or("a message of the batch has no id")?;
    let mut failures = Vec::new();
    for id in ids {
        if let Err(error) = turn().await {
            tracing::error!(message = id, %error, "worker cannot take a job");
            failures.push(json!({ "itemIdentifier": id }));
        }
    }
    Ok(json!({ "batchItemFailures": failures }))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn only_messages_whose_turn_failed_come_again() {
        let turns = Cell::new(0);
        let event =
            json!({"Records": [{"messageId": "a", "body": "x"}, {"messageId": "b"}, {"messageId": "c"}]});
        let answer = wake(&event, || {
            turns.set(turns.get() + 1);
            let outcome = match turns.get() {
                1 => Ok(Turn::Worked),
                2 => Err("no database"),
                _ => Ok(Turn::Idle),
            };
            async move { outcome }
        });
        assert_eq!(answer.await.unwrap(), json!({"batchItemFailures": [{"itemIdentifier": "b"}]}));
    }

    #[tokio::test]
    async fn what_is_no_batch_fails_as_a_whole_before_any_turn() {
        for event in [json!({}), json!([]), json!({"Records": [{"messageId": "a"}, {"body": "b"}]})] {
            let answer = wake(&event, || async { panic!("no turn") as Result<Turn, &str> }).await;
            assert!(answer.is_err(), "{event}");
        }
    }
}
