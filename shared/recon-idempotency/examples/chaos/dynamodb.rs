//! A table of keys in a private DynamoDB.

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
};
use recon_testkit::DynamoDb;

const TABLE: &str = "chaos";
const REGION: &str = "eu-central-1";
/// What the private server takes for credentials, which is anything.
pub(crate) const CREDENTIALS: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "nobody"), ("AWS_SECRET_ACCESS_KEY", "nothing")];

/// Makes the table, and gives its URL.
pub(crate) async fn keys() -> Result<String> {
    let endpoint = DynamoDb::shared()?.endpoint();
    // The private server keeps the tables of each access key apart.
    let [(_, id), (_, secret)] = CREDENTIALS;
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(id, secret, None, None, "chaos"))
        .endpoint_url(&endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http());
    let key = KeySchemaElement::builder().attribute_name("pk").key_type(KeyType::Hash).build()?;
    let attribute =
        AttributeDefinition::builder().attribute_name("pk").attribute_type(ScalarAttributeType::B).build()?;
    let client = Client::from_conf(config.build());
    let create = client.create_table().table_name(TABLE).key_schema(key).attribute_definitions(attribute);
    create.billing_mode(BillingMode::PayPerRequest).send().await.context("create the table")?;
    let expiry = TimeToLiveSpecification::builder().enabled(true).attribute_name("ttl").build()?;
    let expire = client.update_time_to_live().table_name(TABLE).time_to_live_specification(expiry);
    expire.send().await.context("let its records expire")?;
    Ok(format!("dynamodb://{TABLE}?region={REGION}&endpoint={endpoint}"))
}
