#![doc = include_str!("../README.md")]

pub mod alb;
pub mod demo;
mod folder;
mod functions;
mod server;
mod world;

pub use folder::Folder;
pub use functions::Functions;
pub use server::Server;
pub use world::{Call, Reply, World};
