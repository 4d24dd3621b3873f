#![doc = include_str!("../README.md")]

pub mod alb;
pub mod demo;
mod folder;
mod functions;
mod server;
mod services;
mod world;

pub use folder::{Folder, TEST_DATABASE};
pub use functions::Functions;
pub use server::Server;
pub use services::{Postgres, Redis, RedisCluster};
pub use world::{Call, Reply, World};
