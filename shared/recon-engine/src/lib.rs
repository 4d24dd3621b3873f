#![doc = include_str!("../README.md")]

mod interner;
mod outcome;
mod run;
mod table;
pub mod text;

pub use interner::Interner;
pub use outcome::{Break, Deviation, Entries, Failed, Match, Nearest, Outcome};
pub use run::{Cancelled, Phase, Progress, Quiet, reconcile};
pub use table::{Column, Table, TextId};
