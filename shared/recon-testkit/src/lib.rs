#![doc = include_str!("../README.md")]

pub mod alb;
pub mod demo;
mod folder;
mod functions;
mod keyed;
mod server;
mod services;
mod world;

pub use folder::{Folder, TEST_DATABASE};
pub use functions::Functions;
pub use keyed::KeyedClient;
pub use server::Server;
pub use services::{Authority, DynamoDb, PgBouncer, Postgres, Redis, RedisCluster};
pub use world::{Call, Reply, World};
