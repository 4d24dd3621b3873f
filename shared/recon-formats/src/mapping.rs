//! Stage two: rows of text to the engine's tables, by the rules.
//!
//! Every number and date is read in one way a column: as the rules or the file's options say, else as most
//! cells of the column fit. A cell that does not fit rejects its row.

mod amounts;
mod decide;
mod mixture;
mod reading;
mod side;
mod texts;

use std::num::NonZeroUsize;

use recon_domain::{CURRENCY, ReadOptions, Role, RoleType, RuleSet, Side};
use recon_engine::{Column, Interner, Table, TextId};

use crate::{BatchSource, Keep, Profile, SourceError};
use decide::Plan;
use side::SideMapper;

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
    #[error("the {side} file has no column `{column}`, which the rules name for `{role}`")]
    NoColumn {
        /// The side.
        side: Side,
        /// The role.
        role: String,
        /// The column.
        column: String,
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

/// A side whose rows are to be read.
struct Opened<'a> {
    side: Side,
    source: &'a mut dyn BatchSource,
    options: ReadOptions,
    /// The columns that the roles read, each once.
    columns: Vec<String>,
}

type Read = (Table, Vec<Rejection>, Interner);

impl<'a> Opened<'a> {
    fn new(rules: &RuleSet, side: Side, input: Input<'a>) -> Self {
        let mut columns: Vec<String> = Vec::new();
        for name in rules.roles.iter().flat_map(|role| role.sources[side as usize].columns()) {
            if !columns.iter().any(|column| column == name) {
                columns.push(name.to_owned());
            }
        }
        let options = overlay(input.options, &rules.options[side as usize]);
        Self { side, source: input.source, options, columns }
    }

    fn fail(&self, source: SourceError) -> Error {
        Error::Source { side: self.side, source }
    }

    /// Learns what all rows show.
    fn look(&mut self, rules: &RuleSet, watch: Watch<'_>) -> Result<Profile, Error> {
        let header = self.source.header();
        for role in &rules.roles {
            if let Some(column) = role.sources[self.side as usize]
                .columns()
                .find(|name| !header.iter().any(|column| column == name))
            {
                let (role, column) = (role.name.clone(), column.to_owned());
                return Err(Error::NoColumn { side: self.side, role, column });
            }
        }
        self.source.keep(&Keep::Columns(self.detected(rules))).map_err(|error| self.fail(error))?;
        let side = self.side;
        let profile = self.source.profile(&|done, total| watch(side, done, total.saturating_mul(2)));
        profile.map_err(|error| self.fail(error))?.ok_or(Error::Cancelled)
    }

    /// The columns of which it matters what all cells show: not those of texts and formats.
    fn detected(&self, rules: &RuleSet) -> Vec<String> {
        let side = self.side as usize;
        let matters = |role: &&Role| match role.kind {
            RoleType::Decimal | RoleType::Integer => true,
            RoleType::Date => role.formats[side].is_none(),
            RoleType::Text => role.name == CURRENCY,
            RoleType::Timestamp => false,
        };
        let roles = || rules.roles.iter().filter(matters).flat_map(|role| role.sources[side].columns());
        self.columns.iter().filter(|name| roles().any(|column| column == *name)).cloned().collect()
    }

    /// Turns all rows into entries.
    fn read(&mut self, rules: &RuleSet, plan: &Plan, watch: Watch<'_>) -> Result<Read, Error> {
        let mut texts = Interner::new();
        let mut mapper = SideMapper::new(rules, self.side, plan, &self.columns, &self.options);
        self.source.keep(&Keep::Columns(self.columns.clone())).map_err(|error| self.fail(error))?;
        while let Some(batch) = self.source.next_batch().map_err(|error| self.fail(error))? {
            mapper.push(&batch, &mut texts);
            let (done, total) = self.source.position();
            if !watch(self.side, total.saturating_add(done), total.saturating_mul(2)) {
                return Err(Error::Cancelled);
            }
        }
        let (table, rejections) = mapper.finish();
        Ok((table, rejections, texts))
    }

    /// Stops where a column mixes readings; finds the two lines that show it.
    fn refuse_mixed(&mut self, plan: &Plan) -> Result<(), Error> {
        let Some(mixture) = &plan.mixture else { return Ok(()) };
        let keep = Keep::Columns(vec![mixture.column.clone()]);
        self.source.keep(&keep).map_err(|error| self.fail(error))?;
        let (mut most, mut other) = (None, None);
        while let Some(batch) = self.source.next_batch().map_err(|error| self.fail(error))? {
            for (cell, line) in batch.columns.iter().flat_map(crate::TextColumn::iter).zip(&batch.lines) {
                let (found, is_most) = match mixture.judge(cell) {
                    Some(reading) if reading == mixture.most => (&mut most, reading),
                    Some(reading) => (&mut other, reading),
                    None => continue,
                };
                found.get_or_insert_with(|| Box::new(Witness::new(cell, *line, is_most)));
            }
            if most.is_some() && other.is_some() {
                break;
            }
        }
        let (Some(most), Some(other)) = (most, other) else { return Ok(()) };
        let (column, what, advice) = (mixture.column.clone(), mixture.what(), mixture.advice());
        Err(Error::Mixed { side: self.side, column, what, most, other, advice })
    }
}

/// The options of the file, completed by those of the rules.
fn overlay(options: ReadOptions, rules: &ReadOptions) -> ReadOptions {
    let mut null_values = options.null_values;
    null_values.extend(rules.null_values.iter().cloned());
    ReadOptions {
        delimiter: options.delimiter.or(rules.delimiter),
        quote: options.quote.or(rules.quote),
        encoding: options.encoding.or_else(|| rules.encoding.clone()),
        header_row: options.header_row.or(rules.header_row),
        decimal_mark: options.decimal_mark.or(rules.decimal_mark),
        thousands_mark: options.thousands_mark.or(rules.thousands_mark),
        date_order: options.date_order.or(rules.date_order),
        currency: options.currency.or(rules.currency),
        sheet: options.sheet.or_else(|| rules.sheet.clone()),
        null_values,
    }
}
