//! A private DynamoDB: a table of keys, and one of things beside it.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put, ScalarAttributeType,
    TimeToLiveSpecification, TransactWriteItem,
};
use recon_idempotency::dynamodb::{Effect, GuardedError, Store, guarded};
use recon_idempotency::{ClaimOutcome, ClaimStore, Error, Guard};
use recon_testkit::DynamoDb;
use uuid::Uuid;

use crate::handlers::{new_id, unavailable};

const REGION: &str = "eu-central-1";
/// What the private server takes for credentials, which is anything; it keeps the tables of each apart.
pub(crate) const CREDENTIALS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "nobody"), ("AWS_SECRET_ACCESS_KEY", "nothing")];

/// Both tables, as a server opens them.
#[derive(Clone)]
pub(crate) struct Tables {
    /// By the URL, as programs do.
    pub(crate) claims: Arc<dyn ClaimStore>,
    /// By a client of one's own, as transactions need it.
    store: Arc<Store>,
    client: Client,
    things: String,
}

/// Makes tables that no other matrix has, and gives their URL.
pub(crate) async fn keys() -> Result<String> {
    let endpoint = DynamoDb::shared()?.endpoint();
    let (client, keys) = (client(&endpoint), format!("chaos-{}", new_id()?));
    create(&client, &keys).await?;
    create(&client, &things(&keys)).await?;
    let expiry = TimeToLiveSpecification::builder().enabled(true).attribute_name("ttl").build()?;
    let expire = client.update_time_to_live().table_name(&keys).time_to_live_specification(expiry);
    expire.send().await.context("let the records expire")?;
    Ok(format!("dynamodb://{keys}?region={REGION}&endpoint={endpoint}"))
}

impl Tables {
    /// By the URL of the keys.
    pub(crate) fn open(url: &str) -> Result<Self> {
        let rest = url.strip_prefix("dynamodb://").context("no table")?;
        let (keys, _) = rest.split_once('?').context("no region")?;
        let (_, endpoint) = rest.split_once("&endpoint=").context("no endpoint")?;
        let client = client(endpoint);
        Ok(Self {
            claims: recon_idempotency::open(url)?,
            store: Arc::new(Store::new(client.clone(), keys)),
            client,
            things: things(keys),
        })
    }

    /// Puts a thing in the transaction that has the key.
    pub(crate) async fn put(
        &self,
        id: Uuid,
        key: String,
        guard: &Guard<Uuid>,
    ) -> Result<ClaimOutcome<Uuid>, Error> {
        let thing = Put::builder()
            .table_name(&self.things)
            .item("pk", AttributeValue::B(id.as_bytes().to_vec().into()));
        let thing = thing.item("key", AttributeValue::S(key)).build().map_err(unavailable)?;
        let writes = vec![TransactWriteItem::builder().put(thing).build()];
        fail::fail_point!("before-commit");
        let outcome = guarded(&self.store, guard, Effect { value: id, writes }).await.map_err(unguarded)?;
        fail::fail_point!("after-commit");
        Ok(outcome)
    }

    /// How many things there are for a key.
    pub(crate) async fn effects(&self, key: &str) -> Result<i64> {
        let scan = self.client.scan().table_name(&self.things).consistent_read(true);
        let scan = scan.filter_expression("#key = :key").expression_attribute_names("#key", "key");
        let scan = scan.expression_attribute_values(":key", AttributeValue::S(key.to_owned()));
        let things = scan.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await;
        Ok(i64::try_from(things.context("count the things")?.len())?)
    }
}

fn unguarded(error: GuardedError) -> Error {
    match error {
        GuardedError::Key(error) => error,
        other => unavailable(other),
    }
}

fn things(keys: &str) -> String {
    format!("{keys}-things")
}

fn client(endpoint: &str) -> Client {
    let [(_, id), (_, secret)] = CREDENTIALS;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(id, secret, None, None, "chaos"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    Client::from_conf(config.build())
}

async fn create(client: &Client, table: &str) -> Result<()> {
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build()?;
    let attribute =
        AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::B).build()?;
    let create = client.create_table().table_name(table).key_schema(key).attribute_definitions(attribute);
    create.billing_mode(BillingMode::PayPerRequest).send().await.context("create a table")?;
    Ok(())
}
