//! What only DynamoDB has: clocks that differ, expired items that are still there, tables that are not made for records, and
//! effects in the same transaction.

mod clocks;
mod network;
mod proxy;
mod table;
mod transact;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    TimeToLiveSpecification,
};
use recon_idempotency::{StoreTime, dynamodb};
use uuid::Uuid;

use crate::world::PATIENCE;

/// The host's clock, and how far ahead of it a test is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn age(&self, duration: Duration) {
        self.0.fetch_add(i64::try_from(duration.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn set_back(&self, duration: Duration) {
        self.0.fetch_sub(i64::try_from(duration.as_micros()).unwrap(), Ordering::SeqCst);
    }

    #[expect(clippy::disallowed_methods, reason = "the store's own default is the host's clock as well")]
    fn now(&self) -> StoreTime {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let host = i64::try_from(since.as_micros()).unwrap();
        StoreTime::from_micros(host + self.0.load(Ordering::SeqCst))
    }
}

/// A table of its own for one test.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) client: Client,
    pub(crate) table: String,
    pub(crate) clock: Clock,
}

impl Keys {
    pub(crate) async fn open() -> Self {
        let client = client(&recon_testkit::DynamoDb::shared().unwrap().endpoint());
        let table = name();
        create(&client, &table, "pk", ScalarAttributeType::B).await;
        expire(&client, &table, "ttl").await;
        Self { client, table, clock: Clock::default() }
    }

    /// For callers that all have the one clock of the test.
    pub(crate) fn store(&self) -> dynamodb::Store {
        self.store_on(&self.clock).skew_within(Duration::ZERO)
    }

    pub(crate) fn store_on(&self, clock: &Clock) -> dynamodb::Store {
        let clock = clock.clone();
        let store = dynamodb::Store::new(self.client.clone(), &self.table);
        store.response_within(PATIENCE).on_clock(move || clock.now())
    }

    /// The items of the table.
    pub(crate) async fn items(&self) -> Vec<std::collections::HashMap<String, AttributeValue>> {
        self.client.scan().table_name(&self.table).consistent_read(true).send().await.unwrap().items.unwrap()
    }
}

/// A client of whoever listens there.
pub(crate) fn client(endpoint: &str) -> Client {
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::for_tests())
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

/// The name of a table that no other test has, also of another process on the same server.
pub(crate) fn name() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    format!("test-{}", Uuid::from_bytes(bytes))
}

pub(crate) async fn create(client: &Client, table: &str, key: &str, key_type: ScalarAttributeType) {
    let attribute = AttributeDefinition::builder().attribute_name(key).attribute_type(key_type);
    let schema = KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash);
    let create = client
        .create_table()
        .table_name(table)
        .attribute_definitions(attribute.build().unwrap())
        .key_schema(schema.build().unwrap())
        .billing_mode(BillingMode::PayPerRequest);
    create.send().await.unwrap();
}

pub(crate) async fn expire(client: &Client, table: &str, attribute: &str) {
    let by = TimeToLiveSpecification::builder().enabled(true).attribute_name(attribute).build().unwrap();
    client.update_time_to_live().table_name(table).time_to_live_specification(by).send().await.unwrap();
}
