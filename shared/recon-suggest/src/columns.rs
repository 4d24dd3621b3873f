//! The columns of a sample with their values.

use recon_engine::{Interner, TextId};

use crate::kind::{Kind, KindOf};
use crate::read::{self, AS_REFERENCE, Preparer};
use crate::sample::Sample;

/// A column of one side.
#[derive(Debug)]
pub(crate) struct Column {
    /// Its place in the header.
    pub(crate) place: usize,
    pub(crate) name: String,
    pub(crate) is: KindOf,
    /// Its numbers in millionths, where it has any.
    pub(crate) numbers: Vec<Option<i128>>,
    /// Its days in each order that fits equally well, where it has any.
    pub(crate) days: Vec<Vec<Option<i32>>>,
    /// Its cells without case and punctuation, where they may be keys; numbered over both sides.
    pub(crate) keys: Vec<Option<TextId>>,
}

impl Column {
    fn of(sample: &Sample, place: usize, texts: &mut Interner) -> Option<Self> {
        let profile = sample.profile.column(&sample.header[place])?;
        let mut is = KindOf::of(profile, &sample.profile, &sample.options);
        let cells = || sample.cells(place).iter();
        let nulls = &sample.options.null_values;
        let is_null = |cell: &str| nulls.iter().any(|null| null == cell);
        let numbers = match is.kind {
            Kind::Number => cells().map(|cell| read::number(cell, is.marks)).collect(),
            Kind::Day | Kind::Currency | Kind::Text | Kind::Empty => Vec::new(),
        };
        let mut days: Vec<Vec<Option<i32>>> = Vec::new();
        if is.kind == Kind::Day {
            // Orders that read every cell alike, as with names of months, are one.
            for order in is.orders.clone() {
                let read: Vec<_> = cells().map(|cell| read::day(cell, order)).collect();
                match days.contains(&read) {
                    true => is.orders.retain(|other| *other != order),
                    false => days.push(read),
                }
            }
        }
        let is_key = is.kind == Kind::Text || (is.kind == Kind::Number && is.is_whole);
        let preparer = Preparer::new(None, AS_REFERENCE);
        let mut plain = String::new();
        let mut key = |cell: &str| {
            preparer.prepare(cell, &mut plain);
            let id = texts.intern(&plain);
            (id != TextId::EMPTY && !is_null(cell)).then_some(id)
        };
        let keys = if is_key { cells().map(&mut key).collect() } else { Vec::new() };
        Some(Self { place, name: sample.header[place].clone(), is, numbers, days, keys })
    }

    pub(crate) fn is_number(&self) -> bool {
        self.is.kind == Kind::Number
    }

    /// Whether it has whole numbers, which may say whose a row is.
    pub(crate) fn is_key_number(&self) -> bool {
        self.is_number() && !self.keys.is_empty()
    }

    pub(crate) fn is_day(&self) -> bool {
        self.is.kind == Kind::Day
    }

    pub(crate) fn is_text(&self) -> bool {
        self.is.kind == Kind::Text
    }

    pub(crate) fn is_currency(&self) -> bool {
        self.is.kind == Kind::Currency
    }
}

/// Both sides, column by column.
#[derive(Debug)]
pub(crate) struct Columns<'a> {
    pub(crate) samples: &'a [Sample; 2],
    pub(crate) sides: [Vec<Column>; 2],
}

impl<'a> Columns<'a> {
    pub(crate) fn of(samples: &'a [Sample; 2]) -> Self {
        let mut texts = Interner::new();
        let mut side = |sample: &Sample| {
            (0..sample.header.len()).filter_map(|place| Column::of(sample, place, &mut texts)).collect()
        };
        let [left, right] = samples;
        Self { samples, sides: [side(left), side(right)] }
    }

    /// The cells of a row in a column of a side, as they stand in the file.
    pub(crate) fn cell(&self, side: usize, column: &Column, row: usize) -> &'a str {
        self.samples[side].cells(column.place).get(row)
    }
}
