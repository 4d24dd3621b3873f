//! A connection to one server or to a cluster, which is refused where keys may be thrown away.

use std::fmt;
use std::time::Duration;

use ::redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use ::redis::cluster::ClusterClient;
use ::redis::cluster_async::ClusterConnection;
use ::redis::{Client, Cmd, Pipeline, RedisFuture, Value};

use crate::Error;

/// A connection may take this many times as long as an answer.
const CONNECT_FACTOR: u32 = 4;
/// The only `maxmemory-policy` under which nothing is thrown away.
const POLICY: &str = "noeviction";

/// Where the keys are.
pub(super) enum Servers {
    One(Box<Client>),
    Cluster(Box<ClusterClient>),
}

impl fmt::Debug for Servers {
    /// Without addresses, which may have a password in them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One(_) => "One(..)",
            Self::Cluster(_) => "Cluster(..)",
        })
    }
}

/// One connection for everybody, over which commands go without waiting for each other's answers.
#[derive(Clone)]
pub(super) enum Connection {
    One(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Servers {
    /// Connects, and refuses servers that may forget what they were given. Answers are waited for as long as `limit`.
    pub(super) async fn connect(&self, limit: Duration) -> Result<Connection, Error> {
        let connect_limit = limit.saturating_mul(CONNECT_FACTOR);
        let mut connection = match self {
            Self::One(client) => {
                let config = ConnectionManagerConfig::new()
                    .set_connection_timeout(Some(connect_limit))
                    .set_response_timeout(Some(limit))
                    .set_number_of_retries(1)
                    .set_min_delay(Duration::from_millis(10));
                let connect = ConnectionManager::new_with_config(Client::clone(client), config);
                Connection::One(in_time(connect_limit, connect).await?)
            }
            Self::Cluster(client) => {
                Connection::Cluster(in_time(connect_limit, client.get_async_connection()).await?)
            }
        };
        let mut ask = ::redis::cmd("INFO");
        ask.arg("memory");
        let memory: Value = in_time(limit, ask.query_async(&mut connection)).await?;
        match policies(&memory).iter().find(|policy| *policy != POLICY) {
            None => Ok(connection),
            Some(policy) => Err(Error::Evicting { policy: policy.clone() }),
        }
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(connection) => connection.req_packed_command(cmd),
            Self::Cluster(connection) => connection.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(connection) => connection.req_packed_commands(pipeline, offset, count),
            Self::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(connection) => connection.get_db(),
            Self::Cluster(connection) => connection.get_db(),
        }
    }
}

/// The policy of each server that answered: a cluster's answer is a map from servers to texts.
fn policies(memory: &Value) -> Vec<String> {
    match memory {
        Value::Map(servers) => servers.iter().flat_map(|(_, memory)| policies(memory)).collect(),
        Value::BulkString(bytes) => vec![policy(&String::from_utf8_lossy(bytes))],
        Value::VerbatimString { text, .. } | Value::SimpleString(text) => vec![policy(text)],
        // No other answer is known, and what is not known to be safe is not.
        _ => vec![policy("")],
    }
}

fn policy(memory: &str) -> String {
    let named = memory.lines().find_map(|line| line.strip_prefix("maxmemory_policy:"));
    named.map_or("unknown", str::trim).to_owned()
}

pub(super) async fn in_time<T>(
    limit: Duration,
    command: impl Future<Output = ::redis::RedisResult<T>>,
) -> Result<T, Error> {
    match tokio::time::timeout(limit, command).await {
        Ok(answer) => answer.map_err(|source| Error::Unavailable { source: source.into() }),
        Err(source) => Err(Error::Unavailable { source: source.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_tell_its_policy_is_not_trusted() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let told = |memory: &Value| policies(memory).join(" ");
        assert_eq!(told(&text("# Memory\r\nmaxmemory_policy:noeviction\r\nx:1\r\n")), "noeviction");
        assert_eq!(told(&text("maxmemory_policy:allkeys-lru")), "allkeys-lru");
        assert_eq!(told(&text("# Memory\r\n")), "unknown");
        assert_eq!(told(&Value::Nil), "unknown");
        let server = |policy: &str| (text("127.0.0.1:1"), text(&format!("maxmemory_policy:{policy}\r\n")));
        let cluster = Value::Map(vec![server("noeviction"), server("volatile-lru")]);
        assert_eq!(told(&cluster), "noeviction volatile-lru");
    }
}
