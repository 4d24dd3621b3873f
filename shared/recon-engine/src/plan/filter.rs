//! Which entries fail which `where` of a pass.

use rayon::prelude::*;
use recon_domain::{Decimal, Filter, FilterTest, Pass};
use regex::Regex;
use std::collections::HashMap;

use super::window::{units_at_least, units_at_most};
use crate::input::{Input, SIDES};
use crate::number::{count, index, narrow};
use crate::progress::Watch;
use crate::{Cancelled, Column};

/// A filter with its values in units of the column.
enum Test<'a> {
    /// There is nothing in the cell.
    Empty,
    /// The cell is this one; `None` is a value that no cell of this column can have.
    Code(Option<i128>),
    Text(&'a str),
    AtLeast(i128),
    AtMost(i128),
    Matches(&'a Regex),
}

/// By class: one bit for each filter that it fails; empty where no filter looks at this side.
pub(super) fn failures(
    input: &Input<'_>,
    pass: &Pass,
    side: usize,
    watch: &Watch<'_>,
) -> Result<Vec<u16>, Cancelled> {
    let applies = |filter: &&Filter| filter.side.is_none_or(|only| only == SIDES[side]);
    if !pass.filters.iter().any(|filter| applies(&filter)) {
        return Ok(Vec::new());
    }
    let mut failed = vec![0_u16; input.len(side)];
    for (bit, filter) in pass.filters.iter().enumerate().filter(|(_, filter)| applies(filter)) {
        let role = filter.role.index();
        let (test, passes) = test(filter, input.column(side, role));
        let column = input.column(side, role);
        let room = || (HashMap::new(), 0);
        failed.par_iter_mut().enumerate().try_for_each_init(room, |(known, work), (class, failed)| {
            watch.after(work, 1 + test.work(input.texts.bytes(column.text_id(class))))?;
            let holds = holds(&test, input, side, role, narrow(class), known);
            let empty_passes = !passes;
            if !holds.map_or(empty_passes, |holds| holds == passes) {
                *failed |= 1_u16.checked_shl(narrow(bit)).unwrap_or(0);
            }
            Ok(())
        })?;
    }
    Ok(failed)
}

/// What to ask of a cell, and the answer with which it passes.
fn test<'a>(filter: &'a Filter, column: &Column) -> (Test<'a>, bool) {
    let scale = match column {
        Column::Number { scale, .. } => Some(*scale),
        Column::Day(_) | Column::Instant(_) | Column::Text { .. } => None,
    };
    let is = |text: &'a str| match scale {
        Some(scale) => Test::Code(text.parse::<Decimal>().ok().and_then(|value| value.rescaled(scale).ok())),
        None => Test::Text(text),
    };
    match &filter.test {
        FilterTest::Is(text) if text.is_empty() => (Test::Empty, true),
        FilterTest::IsNot(text) if text.is_empty() => (Test::Empty, false),
        FilterTest::Is(text) => (is(text), true),
        FilterTest::IsNot(text) => (is(text), false),
        FilterTest::AtLeast(least) => (Test::AtLeast(units_at_least(*least, scale.unwrap_or(0))), true),
        FilterTest::AtMost(most) => (Test::AtMost(units_at_most(*most, scale.unwrap_or(0))), true),
        FilterTest::Matches(pattern) => (Test::Matches(pattern), true),
    }
}

/// The answer of a class; `None` when the cell is empty, or no number where one is asked for.
fn holds(
    test: &Test<'_>,
    input: &Input<'_>,
    side: usize,
    role: usize,
    class: u32,
    known: &mut HashMap<i128, bool>,
) -> Option<bool> {
    let entry = index(class);
    if Some(role) == input.reserved.currency {
        return Some(test.of_text(input.currency(side, class).as_str()));
    }
    let column = input.column(side, role);
    match (test, column.code(entry)) {
        (Test::Empty, code) => Some(code.is_none()),
        (_, None) => None,
        (Test::Code(wanted), code) => Some(*wanted == code),
        (Test::AtLeast(least), _) => column.number(entry).map(|number| number >= *least),
        (Test::AtMost(most), _) => column.number(entry).map(|number| number <= *most),
        (Test::Text(_) | Test::Matches(_), Some(code)) => {
            match column {
                Column::Text { ids, .. } => input.texts.get(ids[entry]).map(|text| test.of_text(text)),
                // Writing a number or a date takes longer than remembering what came of it.
                other => Some(*known.entry(code).or_insert_with(|| {
                    other.text(entry, input.texts).is_some_and(|text| test.of_text(&text))
                })),
            }
        }
    }
}

impl Test<'_> {
    fn of_text(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => text == *wanted,
            Self::Matches(pattern) => pattern.is_match(text),
            Self::Empty | Self::Code(_) | Self::AtLeast(_) | Self::AtMost(_) => false,
        }
    }

    /// How much work it is to ask this of a text of so many bytes.
    fn work(&self, bytes: Option<usize>) -> u64 {
        match self {
            Self::Text(_) | Self::Matches(_) => bytes.map_or(0, count),
            Self::Empty | Self::Code(_) | Self::AtLeast(_) | Self::AtMost(_) => 0,
        }
    }
}
