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
pub use services::{Authority, DynamoDb, Nginx, PgBouncer, Postgres, Redis, RedisCluster, S3, Way};
pub use world::{Call, Reply, World};
