//! Stage two: rows of text to the engine's tables, by the rules.
//!
//! Every number and date is read in one way a column: as the rules or the file's options say, else as most
//! cells of the column fit. A cell that does not fit rejects its row.

mod amounts;
mod currency;
mod decide;
mod mixture;
mod opened;
mod reading;
mod role;
mod scale;
mod side;
mod texts;

use std::num::NonZeroUsize;

use recon_domain::{ReadOptions, Role, RuleSet, Side};
use recon_engine::{Column, Interner, Table, TextId};

use crate::{BatchSource, Profile, SourceError};
use opened::Opened;

pub use mixture::Witness;

/// One side of a run.
pub struct Input<'a> {
    /// Its rows.
    pub source: &'a mut dyn BatchSource,
    /// What was said about the file. What is `None` here is taken from the side's options in the rules.
    pub options: ReadOptions,
}

/// Is told the side and how far reading is, of how much; answers whether to go on.
pub type Watch<'a> = &'a (dyn Fn(Side, u64, u64) -> bool + Sync);

/// Both sides, ready for the engine.
#[derive(Debug)]
pub struct Mapped {
    /// The left entries.
    pub left: Table,
    /// The right entries.
    pub right: Table,
    /// The texts of both.
    pub texts: Interner,
    /// The left and the right rows that could not become entries, in file order.
    pub rejections: [Vec<Rejection>; 2],
    /// How the left and the right columns were read, and why.
    pub readings: [Vec<Reading>; 2],
    /// What the left and the right file show, at least in the columns of numbers, dates and currencies.
    pub profiles: [Profile; 2],
}

/// A row that could not become an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The row in the file, counted from 1 after the header.
    pub row: u32,
    /// The line on which it starts, counted from 1.
    pub line: u64,
    /// The column of the cell that does not fit; `None` where the row as a whole cannot be read.
    pub column: Option<String>,
    /// What does not fit.
    pub reason: String,
    /// The row's mapped cells as they stand in the file, by column; empty where it cannot be read.
    pub values: Vec<(String, String)>,
    /// The line as it stands in the file, where the row as a whole cannot be read; see
    /// [`RejectedRow::raw`](crate::RejectedRow::raw).
    pub raw: Option<String>,
}

/// How the cells of a column are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The role.
    pub role: String,
    /// The column or columns.
    pub column: String,
    /// What was decided, from what, and how to override it.
    pub text: String,
    /// Whether the cells would all fit another reading too, and mean something else.
    pub assumed: bool,
}

impl Reading {
    fn of(role: &Role, side: Side, assumed: bool, text: String) -> Self {
        let column = role.sources[side as usize].columns().collect::<Vec<_>>().join("`, `");
        Self { role: role.name.clone(), column, text, assumed }
    }
}

/// Why two files cannot be mapped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Rows cannot be had.
    #[error("the {side} file: {source}")]
    Source {
        /// The side.
        side: Side,
        /// Why.
        source: SourceError,
    },
    /// The rules name a column that the file does not have.
    #[error("the {side} file has no column `{column}`, which the rules name for `{role}`; {read}")]
    NoColumn {
        /// The side.
        side: Side,
        /// The role.
        role: String,
        /// The column.
        column: String,
        /// How the header was read, and how to say it otherwise.
        read: String,
    },
    /// More than one cell in a hundred fits only another reading than most.
    #[error(
        "the {side} column `{column}` mixes {what}: `{}` on line {} fits only {}, `{}` on line {} only {}; {advice}",
        .most.cell, .most.line, .most.reading, .other.cell, .other.line, .other.reading
    )]
    Mixed {
        /// The side.
        side: Side,
        /// The column.
        column: String,
        /// What is mixed: date orders or decimal marks.
        what: &'static str,
        /// A cell that fits the reading that most cells fit.
        most: Box<Witness>,
        /// A cell that fits only another.
        other: Box<Witness>,
        /// How to say which is right.
        advice: &'static str,
    },
    /// The watch said to stop.
    #[error("reading was cancelled")]
    Cancelled,
}

/// Reads both sides. Two threads are used where `threads` allows it; the result is the same.
///
/// # Errors
/// When a file cannot be read, lacks a mapped column, or mixes readings in one.
pub fn map_both(
    rules: &RuleSet,
    left: Input<'_>,
    right: Input<'_>,
    threads: NonZeroUsize,
    watch: Watch<'_>,
) -> Result<Mapped, Error> {
    let mut left = Opened::new(rules, Side::Left, left);
    let mut right = Opened::new(rules, Side::Right, right);
    let parallel = threads.get() > 1;
    let (one, other) = both(parallel, || left.look(rules, watch), || right.look(rules, watch));
    let (left_profile, right_profile) = (one?, other?);
    let profiles = [left_profile, right_profile];
    let options = [&left.options, &right.options];
    let plans = decide::plans(rules, options, &profiles);
    let [left_plan, right_plan] = &plans;
    left.refuse_mixed(left_plan)?;
    right.refuse_mixed(right_plan)?;
    let (one, other) =
        both(parallel, || left.read(rules, left_plan, watch), || right.read(rules, right_plan, watch));
    let ((left_table, left_rejections, mut texts), (mut right_table, right_rejections, right_texts)) =
        (one?, other?);
    join(&mut texts, &right_texts, &mut right_table);
    let [left_plan, right_plan] = plans;
    Ok(Mapped {
        left: left_table,
        right: right_table,
        texts,
        rejections: [left_rejections, right_rejections],
        readings: [left_plan.readings, right_plan.readings],
        profiles,
    })
}

fn both<A: Send, B: Send>(
    parallel: bool,
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B,
) -> (A, B) {
    if !parallel {
        return (one(), other());
    }
    std::thread::scope(|scope| {
        let handle = scope.spawn(one);
        let second = other();
        match handle.join() {
            Ok(first) => (first, second),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Takes the texts of the right side into those of the left, which numbers them as if one had read both.
fn join(texts: &mut Interner, right: &Interner, table: &mut Table) {
    let count = u32::try_from(right.len()).unwrap_or(u32::MAX);
    let numbers: Vec<TextId> =
        (0..count).map(|id| right.get(TextId(id)).map_or(TextId::EMPTY, |text| texts.intern(text))).collect();
    let renumber = |ids: &mut Vec<TextId>| {
        for id in ids.iter_mut().filter(|id| **id != TextId::EMPTY) {
            *id = usize::try_from(id.0)
                .ok()
                .and_then(|index| numbers.get(index).copied())
                .unwrap_or(TextId::EMPTY);
        }
    };
    for column in &mut table.columns {
        if let Column::Text { ids, shown } = column {
            renumber(ids);
            shown.iter_mut().for_each(renumber);
        }
    }
}
