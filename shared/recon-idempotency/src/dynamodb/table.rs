//! The way to the table, which is refused where records would not be found or never go.

use std::time::Duration;

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    KeyType, ScalarAttributeType, TableDescription, TimeToLiveDescription, TimeToLiveStatus,
};
use aws_sdk_dynamodb::{Client, config};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use super::item::{PK, TTL};
use super::write::{Table, unavailable};
use crate::Error;

/// How often a request is sent until it is answered.
const ATTEMPTS_MAX: u32 = 3;
/// The pause before the second attempt is at most this long, and twice as long before the third.
const PAUSE: Duration = Duration::from_millis(50);

/// Where the table is.
#[derive(Debug)]
pub(super) enum Place {
    /// Where this client goes.
    Client(Box<Client>),
    /// Where the standard variables, profiles and roles of AWS say, but for what is said here.
    Environment { region: Option<String>, endpoint: Option<String> },
}

impl Place {
    /// Opens the way to this table, and refuses one that is not made for records. Each request is waited for as long as `limit`.
    pub(super) async fn open(&self, table: &str, limit: Duration) -> Result<Table, Error> {
        let config = match self {
            Self::Client(client) => client.config().to_builder(),
            Self::Environment { region, endpoint } => {
                let tls = Provider::Rustls(CryptoMode::Ring);
                let http = Builder::new().tls_provider(tls).build_https();
                let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
                if let Some(region) = region {
                    loader = loader.region(Region::new(region.clone()));
                }
                let loaded = tokio::time::timeout(limit, loader.load()).await;
                let loaded = loaded.map_err(|source| Error::Unavailable { source: source.into() })?;
                let mut config = config::Builder::from(&loaded);
                if let Some(endpoint) = endpoint {
                    config = config.endpoint_url(endpoint);
                }
                config
            }
        };
        let client =
            Client::from_conf(config.timeout_config(timeouts(limit)).retry_config(retries()).build());
        let table = Table { client, name: table.to_owned() };
        table.check().await.map(|()| table)
    }
}

fn timeouts(limit: Duration) -> TimeoutConfig {
    let attempt = limit / ATTEMPTS_MAX;
    TimeoutConfig::builder()
        .connect_timeout(attempt)
        .operation_attempt_timeout(attempt)
        .operation_timeout(limit)
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX).with_initial_backoff(PAUSE)
}

impl Table {
    /// Checks that the table is there, has the key, and deletes what has expired.
    pub(super) async fn check(&self) -> Result<(), Error> {
        let unfit = |reason: String| Error::UnfitTable { table: self.name.clone(), reason };
        let described = match self.client.describe_table().table_name(&self.name).send().await {
            Ok(described) => described.table,
            Err(error) => {
                return Err(match error.as_service_error() {
                    Some(DescribeTableError::ResourceNotFoundException(_)) => unfit("it is not there".into()),
                    _ => unavailable(error),
                });
            }
        };
        key(described.as_ref()).map_err(unfit)?;
        let expiry = self.client.describe_time_to_live().table_name(&self.name).send().await;
        time_to_live(expiry.map_err(unavailable)?.time_to_live_description.as_ref()).map_err(unfit)
    }
}

/// The key must be the record's id and nothing else.
fn key(table: Option<&TableDescription>) -> Result<(), String> {
    let (keys, attributes) =
        table.map_or((&[][..], &[][..]), |table| (table.key_schema(), table.attribute_definitions()));
    let is_binary = attributes.iter().any(|attribute| {
        attribute.attribute_name() == PK && *attribute.attribute_type() == ScalarAttributeType::B
    });
    match keys {
        [only] if only.attribute_name() == PK && *only.key_type() == KeyType::Hash && is_binary => Ok(()),
        _ => Err(format!("its key must be the binary attribute {PK} alone")),
    }
}

/// What has expired must go, by this attribute.
fn time_to_live(expiry: Option<&TimeToLiveDescription>) -> Result<(), String> {
    let is_on = expiry
        .and_then(TimeToLiveDescription::time_to_live_status)
        .is_some_and(|status| matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling));
    match expiry.and_then(TimeToLiveDescription::attribute_name) {
        Some(TTL) if is_on => Ok(()),
        _ => Err(format!("its time to live must be on, by the attribute {TTL}")),
    }
}
