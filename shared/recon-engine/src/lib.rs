#![doc = include_str!("../README.md")]

mod assign;
mod blocks;
mod candidates;
mod cell;
mod check;
mod classes;
mod classify;
mod components;
mod digest;
mod evaluate;
mod input;
mod interner;
mod measure;
mod number;
mod open;
mod outcome;
mod pass;
mod plan;
mod progress;
mod recount;
mod run;
mod summary;
mod table;
pub mod text;

pub use check::{Checker, Reason};
pub use interner::Interner;
pub use outcome::{Break, Deviation, Entries, Failed, Match, Nearest, Outcome};
pub use progress::{Cancelled, Phase, Progress, Quiet};
pub use recount::{RecountError, recount, status, variance};
pub use run::reconcile;
pub use table::{Column, Table, TextId};
