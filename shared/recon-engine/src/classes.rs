//! Entries in the order of their contents, in classes of interchangeable ones.
//!
//! Everything after this stage speaks of classes: the number of a class is its place in content order,
//! so comparing two numbers compares contents, and no later stage can see in which order a file had
//! its rows.

use std::cmp::Ordering;

use rayon::prelude::*;

use crate::input::Input;
use crate::number::{count, index, narrow};
use crate::progress::Watch;
use crate::{Cancelled, Column, Interner, Table, TextId};

/// The entries of one side by content. Entries of a class are equal in all mapped columns.
#[derive(Debug)]
pub(crate) struct Classes {
    /// Entries by numbers and dates, then by texts, each in the order of the rules, then by currency, then by
    /// the whole row, then by file row.
    order: Vec<u32>,
    /// Where each class starts in `order`, and at last where the last one ends.
    starts: Vec<u32>,
}

/// An entry with the first bits of its content.
type Prefixed = (u128, u32);

/// From so many entries on, those that agree in all numbers are sorted by all threads, with a part of their
/// texts at hand.
const LONG_RUN: usize = 64;

/// How much work it is to sort an entry among others by its texts.
const SORTING_WORK: u64 = 16;

impl Classes {
    /// Sorts one side by content.
    pub(crate) fn of(input: &Input<'_>, side: usize, watch: &Watch<'_>) -> Result<Self, Cancelled> {
        let content = Content::of(input, side);
        let mut entries = content.numbers(watch)?;
        entries.par_sort_unstable();
        watch.ask()?;
        let runs = entries.chunk_by_mut(|a, b| a.0 == b.0).filter(|run| run.len() > 1);
        let runs: Vec<&mut [Prefixed]> = runs.collect();
        runs.into_par_iter().try_for_each_init(u64::default, |work, run| {
            watch.after(work, SORTING_WORK * count(run.len()))?;
            content.sort_run(run);
            Ok(())
        })?;
        let same = |a: Prefixed, b: Prefixed| a.0 == b.0 && content.values(a.1, b.1).is_eq();
        let mut starts: Vec<u32> = Vec::with_capacity(entries.len() + 1);
        let mut work = 0;
        for position in 0..entries.len() {
            watch.after(&mut work, 1)?;
            if position == 0 || !same(entries[position - 1], entries[position]) {
                starts.push(narrow(position));
            }
        }
        starts.push(narrow(entries.len()));
        Ok(Self { order: entries.into_iter().map(|(_, entry)| entry).collect(), starts })
    }

    /// The first entry of each class.
    pub(crate) fn firsts(&self) -> Vec<u32> {
        let starts = &self.starts[..self.starts.len() - 1];
        starts.iter().map(|start| self.order[index(*start)]).collect()
    }

    /// How many entries each class has; at least one.
    pub(crate) fn sizes(&self) -> Vec<u32> {
        self.starts.windows(2).map(|ends| ends[1] - ends[0]).collect()
    }

    /// The entries of a class, in content order.
    pub(crate) fn members(&self, class: u32) -> &[u32] {
        &self.order[index(self.starts[index(class)])..index(self.starts[index(class) + 1])]
    }

    /// The entries of a class that are open when `open` of them are: the last ones.
    pub(crate) fn open_members(&self, class: u32, open: u32) -> &[u32] {
        let members = self.members(class);
        &members[members.len() - index(open)..]
    }

    /// Where the open entries of a class start in content order.
    pub(crate) fn open_start(&self, class: u32, open: u32) -> u32 {
        self.starts[index(class) + 1] - open
    }

    /// The entry at a place in content order.
    pub(crate) fn at(&self, place: u32) -> u32 {
        self.order[index(place)]
    }
}

/// The order of contents.
struct Content<'a> {
    table: &'a Table,
    texts: &'a Interner,
    /// Numbers and dates.
    numbers: Vec<&'a Column>,
    /// Texts.
    words: Vec<&'a [TextId]>,
}

impl<'a> Content<'a> {
    fn of(input: &Input<'a>, side: usize) -> Self {
        let table = input.tables[side];
        let columns = || input.roles().map(|role| &table.columns[role]);
        let words = columns().filter_map(|column| match column {
            Column::Text { ids, .. } => Some(ids.as_slice()),
            Column::Number { .. } | Column::Day(_) | Column::Instant(_) => None,
        });
        let numbers = columns().filter(|column| !matches!(column, Column::Text { .. }));
        Self { table, texts: input.texts, numbers: numbers.collect(), words: words.collect() }
    }

    /// By numbers and dates, then by texts, each in the order of the rules, then by currency.
    fn values(&self, a: u32, b: u32) -> Ordering {
        let (a, b) = (index(a), index(b));
        for column in &self.numbers {
            let order = column.code(a).cmp(&column.code(b));
            if order.is_ne() {
                return order;
            }
        }
        match self.words.iter().find(|ids| ids[a] != ids[b]) {
            Some(ids) => self.texts.get(ids[a]).cmp(&self.texts.get(ids[b])),
            None => self.table.currencies[a].cmp(&self.table.currencies[b]),
        }
    }

    /// By values, then by the whole row, and for rows that are the same in everything by their place.
    fn rows(&self, a: u32, b: u32) -> Ordering {
        let (i, j) = (index(a), index(b));
        self.values(a, b)
            .then_with(|| self.table.contents[i].cmp(&self.table.contents[j]))
            .then_with(|| (self.table.rows[i], a).cmp(&(self.table.rows[j], b)))
    }

    /// Every entry with as many of its numbers as fit 128 bits, less their minimum in as few bits as they
    /// need. Few entries agree in them all, so few texts are looked at.
    fn numbers(&self, watch: &Watch<'_>) -> Result<Vec<Prefixed>, Cancelled> {
        let mut entries: Vec<Prefixed> = (0..self.table.len()).map(|entry| (0, narrow(entry))).collect();
        let mut free = u128::BITS;
        for column in &self.numbers {
            if free == 0 {
                break;
            }
            watch.ask()?;
            free = add_numbers(&mut entries, column, free);
        }
        watch.ask()?;
        Ok(entries)
    }

    /// Sorts entries that agree in the numbers that fit.
    fn sort_run(&self, run: &mut [Prefixed]) {
        if run.len() < LONG_RUN {
            run.sort_unstable_by(|a, b| self.rows(a.1, b.1));
            return;
        }
        // Where the numbers all fit, the first text comes next; its start decides most comparisons.
        let exact = run.iter().all(|entry| self.numbers_agree(run[0].1, entry.1));
        let ids = self.words.first().filter(|_| exact);
        let skip = ids.map_or(0, |ids| self.common_start(ids));
        let start = |entry: u32| ids.map_or(0, |ids| first_bytes(self.texts.get(ids[index(entry)]), skip));
        let mut sorted: Vec<Prefixed> = run.par_iter().map(|(_, entry)| (start(*entry), *entry)).collect();
        sorted.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.rows(a.1, b.1)));
        run.iter_mut().zip(sorted).for_each(|(place, (_, entry))| place.1 = entry);
    }

    fn numbers_agree(&self, a: u32, b: u32) -> bool {
        self.numbers.iter().all(|column| column.code(index(a)) == column.code(index(b)))
    }

    /// How many bytes all texts of a column have in common at their start.
    fn common_start(&self, ids: &[TextId]) -> usize {
        let mut texts = ids.iter().filter_map(|id| self.texts.get(*id)).map(str::as_bytes);
        let Some(first) = texts.next() else { return 0 };
        let mut common = first.len();
        for text in texts {
            common = first[..common].iter().zip(text).take_while(|(a, b)| a == b).count();
            if common == 0 {
                break;
            }
        }
        common
    }
}

/// Puts a column of numbers below what the prefixes hold already; returns how many bits remain.
fn add_numbers(entries: &mut [Prefixed], column: &Column, free: u32) -> u32 {
    let codes = || (0..entries.len()).into_par_iter().filter_map(|entry| column.code(entry));
    let (Some(least), Some(most)) = (codes().min(), codes().max()) else { return free };
    // Zero stands for the empty cell, which comes first.
    let bits = u128::BITS - most.wrapping_sub(least).cast_unsigned().saturating_add(1).leading_zeros();
    let taken = bits.min(free);
    entries.par_iter_mut().for_each(|(prefix, entry)| {
        let code = column.code(index(*entry));
        let code = code.map_or(0, |code| code.wrapping_sub(least).cast_unsigned().saturating_add(1));
        *prefix |= (code >> (bits - taken)) << (free - taken);
    });
    free - taken
}

/// The first sixteen bytes after `skip` as a number that sorts as they do.
fn first_bytes(text: Option<&str>, skip: usize) -> u128 {
    let mut bytes = [0; 16];
    if let Some(text) = text {
        let rest = &text.as_bytes()[skip..];
        let length = rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&rest[..length]);
    }
    u128::from_be_bytes(bytes)
}
