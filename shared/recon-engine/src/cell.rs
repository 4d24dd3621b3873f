//! Cells as numbers.

use recon_domain::Instant;

use crate::number::{count, index};
use crate::progress::Watch;
use crate::{Cancelled, Column, Interner, TextId};

/// How much work it is to give a text a number, and how many of its bytes add one more.
const INTERNING_WORK: u64 = 8;
/// See [`INTERNING_WORK`].
const BYTES_PER_WORK: usize = 16;

impl Column {
    /// Whether two cells of a role, of either side, are equal. An empty cell equals nothing.
    #[inline]
    pub(crate) fn same(&self, entry: usize, other: &Self, other_entry: usize) -> bool {
        match (self, other) {
            (Self::Text { ids: a, .. }, Self::Text { ids: b, .. }) => {
                a[entry] == b[other_entry] && a[entry] != TextId::EMPTY
            }
            (Self::Number { units: a, .. }, Self::Number { units: b, .. }) => {
                a[entry] == b[other_entry] && a[entry] != Self::EMPTY_NUMBER
            }
            (Self::Day(a), Self::Day(b)) => a[entry] == b[other_entry] && a[entry] != Self::EMPTY_DAY,
            (Self::Instant(a), Self::Instant(b)) => {
                a[entry] == b[other_entry] && a[entry] != Self::EMPTY_MICROS
            }
            (Self::Number { .. } | Self::Day(_) | Self::Instant(_) | Self::Text { .. }, _) => false,
        }
    }

    /// A number that stands for the cell: equal cells of a role, on either side, have equal numbers.
    /// `None` when the cell is empty.
    #[inline]
    pub(crate) fn code(&self, entry: usize) -> Option<i128> {
        match self {
            Self::Number { units, .. } => Some(units[entry]).filter(|units| *units != Self::EMPTY_NUMBER),
            Self::Day(days) => Some(days[entry]).filter(|day| *day != Self::EMPTY_DAY).map(i128::from),
            Self::Instant(micros) => {
                Some(micros[entry]).filter(|micros| *micros != Self::EMPTY_MICROS).map(i128::from)
            }
            Self::Text { ids, .. } => {
                Some(ids[entry]).filter(|id| *id != TextId::EMPTY).map(|id| i128::from(id.0))
            }
        }
    }

    /// The units of a number; `None` when the cell is empty or no number.
    #[inline]
    pub(crate) fn number(&self, entry: usize) -> Option<i128> {
        match self {
            Self::Number { units, .. } => Some(units[entry]).filter(|units| *units != Self::EMPTY_NUMBER),
            Self::Day(_) | Self::Instant(_) | Self::Text { .. } => None,
        }
    }

    /// The number of the day, for an instant that in UTC; `None` when the cell is empty or no date.
    #[inline]
    pub(crate) fn day(&self, entry: usize) -> Option<i32> {
        match self {
            Self::Day(days) => Some(days[entry]).filter(|day| *day != Self::EMPTY_DAY),
            Self::Instant(micros) => {
                let micros = Some(micros[entry]).filter(|micros| *micros != Self::EMPTY_MICROS)?;
                Some(Instant::from_micros(micros).day().number())
            }
            Self::Number { .. } | Self::Text { .. } => None,
        }
    }

    /// The text that conditions compare; [`TextId::EMPTY`] when the cell is empty or no text.
    pub(crate) fn text_id(&self, entry: usize) -> TextId {
        match self {
            Self::Text { ids, .. } => ids[entry],
            Self::Number { .. } | Self::Day(_) | Self::Instant(_) => TextId::EMPTY,
        }
    }

    /// The cells of these entries as a column of their own. What was shown is left behind.
    pub(crate) fn only(&self, entries: &[u32]) -> Self {
        fn pick<T: Copy>(cells: &[T], entries: &[u32]) -> Vec<T> {
            entries.iter().map(|entry| cells[index(*entry)]).collect()
        }
        match self {
            Self::Number { units, scale } => Self::Number { units: pick(units, entries), scale: *scale },
            Self::Day(days) => Self::Day(pick(days, entries)),
            Self::Instant(micros) => Self::Instant(pick(micros, entries)),
            Self::Text { ids, .. } => Self::Text { ids: pick(ids, entries), shown: None },
        }
    }

    /// Touches the cells of these entries, so that they come from memory together and not one after the other
    /// when each is needed.
    pub(crate) fn fetch(&self, entries: impl Iterator<Item = u32>) {
        fn touch<T: Copy>(cells: &[T], entries: impl Iterator<Item = u32>) {
            entries.for_each(|entry| {
                std::hint::black_box(cells.get(index(entry)).copied());
            });
        }
        match self {
            Self::Number { units, .. } => touch(units, entries),
            Self::Day(days) => touch(days, entries),
            Self::Instant(micros) => touch(micros, entries),
            Self::Text { ids, .. } => touch(ids, entries),
        }
    }

    /// Numbers the texts anew.
    pub(crate) fn intern(
        &mut self,
        from: &Interner,
        to: &mut Interner,
        watch: &Watch<'_>,
    ) -> Result<(), Cancelled> {
        let mut work = 0;
        if let Self::Text { ids, .. } = self {
            for id in ids {
                let text = from.get(*id).unwrap_or("");
                *id = to.intern(text);
                watch.after(&mut work, INTERNING_WORK + count(text.len() / BYTES_PER_WORK))?;
            }
        }
        Ok(())
    }

    /// Whether the cells may stand for amounts, or for dates.
    pub(crate) fn is_number(&self) -> bool {
        matches!(self, Self::Number { .. })
    }

    /// See [`Column::is_number`].
    pub(crate) fn is_date(&self) -> bool {
        matches!(self, Self::Day(_) | Self::Instant(_))
    }
}
