//! Tables that are not made for records, and items that are none.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use recon_idempotency::{ClaimStore, Completion, Error, StoredResponse, Unanswered, Unstorable, dynamodb};

use super::{Keys, client, create, expire, name};
use crate::sample::{LEASE, REQUEST, answer, running, unanswered};
use crate::world::PATIENCE;

#[tokio::test]
async fn dynamodb_table_that_is_not_made_for_records_is_refused_with_words() {
    let client = client(&recon_testkit::DynamoDb::shared().unwrap().endpoint());
    let refused = async |table: &str| {
        let store = dynamodb::Store::new(client.clone(), table).response_within(PATIENCE);
        let error = store.claim(&unanswered(&REQUEST), LEASE).await.unwrap_err();
        assert!(matches!(error, Error::UnfitTable { .. }), "{error:?}");
        assert!(matches!(store.check().await, Err(Error::UnfitTable { .. })));
        error.to_string()
    };
    let says =
        |table: &str, reason: &str| format!("the table {table} cannot hold idempotency records: {reason}");

    let missing = name();
    assert_eq!(refused(&missing).await, says(&missing, "it is not there"));
    for (key, key_type) in [("id", ScalarAttributeType::B), ("pk", ScalarAttributeType::S)] {
        let table = name();
        create(&client, &table, key, key_type).await;
        assert_eq!(refused(&table).await, says(&table, "its key must be the binary attribute pk alone"));
    }
    let table = name();
    create(&client, &table, "pk", ScalarAttributeType::B).await;
    let forever = says(&table, "its time to live must be on, by the attribute ttl");
    assert_eq!(refused(&table).await, forever);
    expire(&client, &table, "expires_at").await;
    assert_eq!(refused(&table).await, forever);
}

#[tokio::test]
async fn dynamodb_item_that_cannot_be_read_is_an_error_and_no_answer() {
    let wrong = [
        ("fingerprint", AttributeValue::B(Blob::new([0; 3]))),
        ("status", AttributeValue::N("70000".to_owned())),
        ("headers", AttributeValue::S("{}".to_owned())),
        ("fence", AttributeValue::N("-1".to_owned())),
        ("seed", AttributeValue::S(String::new())),
        ("state", AttributeValue::S("lost".to_owned())),
        ("body", AttributeValue::Bool(true)),
        ("method", AttributeValue::Null(true)),
        ("expires_at", AttributeValue::N("1.5".to_owned())),
    ];
    for (column, value) in wrong {
        let keys = Keys::open().await;
        let store = keys.store();
        let claim = running(store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
        assert!(matches!(store.complete(&claim, &answer("done")).await, Ok(Completion::Stored { .. })));
        let mut item = keys.items().await.remove(0);
        item.insert(column.to_owned(), value);
        keys.client.put_item().table_name(&keys.table).set_item(Some(item)).send().await.unwrap();
        let failed = store.claim(&unanswered(&REQUEST), LEASE).await;
        assert!(matches!(&failed, Err(Error::Corrupt { column: found }) if *found == column), "{failed:?}");
    }
}

#[tokio::test]
async fn dynamodb_takes_the_largest_answer_that_is_allowed_and_no_larger() {
    let keys = Keys::open().await;
    let store = keys.store();
    // The longest method and path, of which only the beginning is kept.
    let request = Unanswered { path: "/ü".repeat(100_000), ..unanswered(&REQUEST) };
    let claim = running(store.claim(&request, LEASE).await.unwrap());
    let large = |link: usize| StoredResponse::new(200, [("link", "x".repeat(link))], vec![b' '; 262_144]);
    let refused = store.complete(&claim, &large(120_000)).await;
    assert!(matches!(refused, Err(Error::Unstorable(Unstorable::TooLong { .. }))), "{refused:?}");
    assert!(matches!(store.complete(&claim, &large(112_000)).await, Ok(Completion::Stored { .. })));
}
