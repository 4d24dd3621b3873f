//! The contract of every store, each against the real thing, and the faults that others had.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod claims;
mod database;
#[cfg(feature = "aws")]
mod dynamodb;
mod example;
mod faults;
mod local;
mod message;
mod metrics;
mod model;
mod one_statement;
mod open;
mod pgbouncer;
mod postgres;
mod redis;
mod redis_tls;
mod sample;
mod simultaneous;
mod sqlite;
mod web;
mod world;

use rstest_reuse::template;

/// Every store of claims.
#[template]
#[rstest::rstest]
#[case::sqlite(Kind::Sqlite)]
#[case::postgres(Kind::Postgres)]
#[case::pgbouncer(Kind::PgBouncer)]
#[case::memory(Kind::Memory)]
#[case::redis(Kind::Redis)]
#[case::redis_cluster(Kind::RedisCluster)]
#[cfg_attr(feature = "aws", case::dynamodb(Kind::Dynamodb))]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_store(#[case] kind: Kind) {}

/// Every database in which effect and key are one transaction.
#[template]
#[rstest::rstest]
#[case::sqlite(Dialect::Sqlite)]
#[case::postgres(Dialect::Postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_database(#[case] dialect: Dialect) {}
