//! Texts by number.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

use crate::TextId;

/// Every distinct text of a run, once. Both sides share one, so equal texts have equal numbers.
#[derive(Debug, Default)]
pub struct Interner {
    arena: String,
    /// The end of each text in the arena.
    ends: Vec<usize>,
    /// The number of each text under the upper half of its hash: growing needs no text, and other texts are told
    /// apart without a look at them.
    index: HashTable<(u32, u32)>,
    hasher: FixedState,
}

impl Interner {
    /// An interner without texts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of this text; [`TextId::EMPTY`] for the empty one.
    pub fn intern(&mut self, text: &str) -> TextId {
        if text.is_empty() {
            return TextId::EMPTY;
        }
        let upper = upper_half(self.hasher.hash_one(text));
        let (arena, ends) = (&self.arena, &self.ends);
        let entry = self.index.entry(
            spread(upper),
            |(other, id)| *other == upper && slice(arena, ends, *id) == text,
            |(other, _)| spread(*other),
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(found) => TextId(found.get().1),
            hashbrown::hash_table::Entry::Vacant(free) => {
                let id = u32::try_from(self.ends.len()).unwrap_or(u32::MAX - 1);
                free.insert((upper, id));
                self.arena.push_str(text);
                self.ends.push(self.arena.len());
                TextId(id)
            }
        }
    }

    /// The text with this number; `None` for [`TextId::EMPTY`].
    #[must_use]
    pub fn get(&self, id: TextId) -> Option<&str> {
        (id != TextId::EMPTY).then(|| slice(&self.arena, &self.ends, id.0))
    }

    /// How long the text with this number is, in bytes; `None` for [`TextId::EMPTY`]. The text itself is not looked at.
    pub(crate) fn bytes(&self, id: TextId) -> Option<usize> {
        (id != TextId::EMPTY).then(|| {
            let (start, end) = ends_of(&self.ends, id.0);
            end - start
        })
    }

    /// How many texts there are. Numbers run from 0 to one less.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}

fn upper_half(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or(u32::MAX)
}

/// A hash whose upper and lower bits both depend on all of `upper`, as the table needs.
const fn spread(upper: u32) -> u64 {
    (upper as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn slice<'a>(arena: &'a str, ends: &[usize], id: u32) -> &'a str {
    let (start, end) = ends_of(ends, id);
    &arena[start..end]
}

/// Where a text starts and ends in the arena.
fn ends_of(ends: &[usize], id: u32) -> (usize, usize) {
    let index = usize::try_from(id).unwrap_or(usize::MAX);
    let start = if index == 0 { 0 } else { ends[index - 1] };
    (start, ends[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_equal_numbers() {
        let mut texts = Interner::new();
        let (a, b) = (texts.intern("a"), texts.intern("bc"));
        assert_ne!(a, b);
        assert_eq!(texts.intern("bc"), b);
        assert_eq!((texts.get(a), texts.get(b)), (Some("a"), Some("bc")));
        assert_eq!((texts.bytes(a), texts.bytes(b), texts.bytes(TextId::EMPTY)), (Some(1), Some(2), None));
        assert_eq!((texts.intern(""), texts.get(TextId::EMPTY)), (TextId::EMPTY, None));
    }
}
