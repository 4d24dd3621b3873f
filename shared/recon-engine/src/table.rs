//! The engine's own columns.

use recon_domain::{Currency, Day, Decimal, Instant};

use crate::Interner;

/// The number of an interned text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextId(pub u32);

impl TextId {
    /// An empty cell. It equals nothing in a condition, and itself in the comparison of contents.
    pub const EMPTY: Self = Self(u32::MAX);
}

/// The typed cells of one role. The variant and the scale are the same on both sides of a run.
#[derive(Debug, Clone)]
pub enum Column {
    /// Decimals and integers (scale 0). An empty cell is [`Column::EMPTY_NUMBER`].
    Number {
        /// Units at the scale.
        units: Vec<i128>,
        /// Digits after the point.
        scale: u8,
    },
    /// Day numbers. An empty cell is [`Column::EMPTY_DAY`].
    Day(Vec<i32>),
    /// Microseconds since the epoch. An empty cell is [`Column::EMPTY_MICROS`].
    Instant(Vec<i64>),
    /// Texts after extraction and normalisation; never an empty text, which is [`TextId::EMPTY`].
    Text {
        /// What conditions compare.
        ids: Vec<TextId>,
        /// The cells as they stand in the file, where that is not the same; what people are shown.
        shown: Option<Vec<TextId>>,
    },
}

impl Column {
    /// An empty cell of a number column.
    pub const EMPTY_NUMBER: i128 = i128::MIN;
    /// An empty cell of a day column.
    pub const EMPTY_DAY: i32 = i32::MIN;
    /// An empty cell of an instant column.
    pub const EMPTY_MICROS: i64 = i64::MIN;

    /// The cell as people write it; `None` when it is empty.
    #[must_use]
    pub fn text(&self, entry: usize, texts: &Interner) -> Option<String> {
        match self {
            Self::Number { units, scale } => {
                let units = units[entry];
                (units != Self::EMPTY_NUMBER).then(|| Decimal::units_text(units, *scale))
            }
            Self::Day(days) => {
                (days[entry] != Self::EMPTY_DAY).then(|| Day::from_number(days[entry]).to_string())
            }
            Self::Instant(micros) => {
                (micros[entry] != Self::EMPTY_MICROS).then(|| Instant::from_micros(micros[entry]).to_string())
            }
            Self::Text { ids, shown } => texts.get(shown.as_ref().unwrap_or(ids)[entry]).map(str::to_owned),
        }
    }
}

/// The entries of one side, by columns: one [`Column`] for each role of the rule set, in its order.
#[derive(Debug, Clone)]
pub struct Table {
    /// One for each role.
    pub columns: Vec<Column>,
    /// The currency of each entry; never empty.
    pub currencies: Vec<Currency>,
    /// The row in the file, counted from 1 after the header. It only points into the file; it decides
    /// nothing.
    pub rows: Vec<u32>,
    /// A hash of the whole row, unmapped columns too: the last word on the order of contents.
    pub contents: Vec<u128>,
    /// Rows of the file that could not become entries.
    pub rejected: u64,
}

impl Table {
    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}
