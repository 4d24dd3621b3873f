//! Texts as sets of words.

use rapidfuzz::distance::indel;

use super::SCORE_MAX;
use super::likeness::share;
use crate::number::{index, narrow};
use crate::{Interner, TextId};

/// The words of texts, each text taken apart once.
///
/// A word is a run of letters and digits. The words of a text are distinct and in the order of their
/// letters, so that what two texts do not share can be compared as it stands.
#[derive(Debug, Default)]
pub(crate) struct Words {
    distinct: Interner,
    /// For each distinct word, how many characters it has.
    lengths: Vec<usize>,
    /// Word numbers, text after text.
    words: Vec<u32>,
    /// By the number of the text; see [`Text::UNKNOWN`].
    texts: Vec<Text>,
}

/// A text that was taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Text {
    /// Where its words lie.
    words: (u32, u32),
    /// How long they are when joined by single blanks.
    length: u32,
    /// Which letters its words have, and how often; see [`letters`].
    letters: u128,
}

impl Text {
    const UNKNOWN: Self = Self { words: (u32::MAX, u32::MAX), length: 0, letters: 0 };
}

/// Room for the comparison of two texts, kept from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    rests: [String; 2],
}

impl Words {
    /// Takes these texts apart, as far as it is not done yet.
    pub(crate) fn learn(&mut self, texts: &Interner, ids: impl Iterator<Item = TextId>) {
        self.texts.resize(texts.len(), Text::UNKNOWN);
        for id in ids {
            let Some(text) = texts.get(id) else { continue };
            if self.texts[index(id.0)] == Text::UNKNOWN {
                self.texts[index(id.0)] = self.split(text);
            }
        }
    }

    fn split(&mut self, text: &str) -> Text {
        let start = self.words.len();
        for word in words_of(text) {
            let id = self.distinct.intern(word);
            if index(id.0) == self.lengths.len() {
                self.lengths.push(word.chars().count());
            }
            if !self.words[start..].contains(&id.0) {
                self.words.push(id.0);
            }
        }
        let distinct = &self.distinct;
        self.words[start..].sort_unstable_by_key(|word| distinct.get(TextId(*word)));
        let letters = letters(self.words[start..].iter().filter_map(|word| distinct.get(TextId(*word))));
        let words = &self.words[start..];
        let length: usize = words.iter().map(|word| self.lengths[index(*word)] + 1).sum();
        let length = narrow(length.saturating_sub(1));
        Text { words: (narrow(start), narrow(self.words.len())), length, letters }
    }

    /// The `token_set` score of two learnt texts, if it is at least `at_least`.
    pub(crate) fn reaches(&self, a: TextId, b: TextId, at_least: u16, scratch: &mut Scratch) -> Option<u16> {
        if a == b {
            return Some(SCORE_MAX);
        }
        let texts = [self.text(a), self.text(b)];
        let changes_min = index((texts[0].letters ^ texts[1].letters).count_ones());
        if score_max(texts, changes_min) < at_least {
            return None;
        }
        let [a, b] = texts.map(|text| &self.words[index(text.words.0)..index(text.words.1)]);
        let mut lengths = Lengths::default();
        for word in a {
            let shared = b.contains(word);
            lengths.add(if shared { Part::Shared } else { Part::Rest(0) }, self.lengths[index(*word)]);
        }
        for word in b.iter().filter(|word| !a.contains(word)) {
            lengths.add(Part::Rest(1), self.lengths[index(*word)]);
        }
        let changes_min = lengths.rests[0].abs_diff(lengths.rests[1]).max(changes_min);
        if lengths.score(changes_min) < at_least {
            return None;
        }
        if lengths.rests.contains(&0) {
            return Some(lengths.score(lengths.rests[0].abs_diff(lengths.rests[1])));
        }
        let [rest_a, rest_b] = &mut scratch.rests;
        self.join_rest(a, b, rest_a);
        self.join_rest(b, a, rest_b);
        let score = lengths.score(changes(rest_a, rest_b));
        (score >= at_least).then_some(score)
    }

    fn text(&self, id: TextId) -> Text {
        let known = self.texts.get(index(id.0)).filter(|text| **text != Text::UNKNOWN);
        known.copied().unwrap_or(Text { words: (0, 0), ..Text::UNKNOWN })
    }

    fn join_rest(&self, from: &[u32], other: &[u32], rest: &mut String) {
        rest.clear();
        for word in from.iter().filter(|word| !other.contains(word)) {
            if !rest.is_empty() {
                rest.push(' ');
            }
            rest.push_str(self.distinct.get(TextId(*word)).unwrap_or(""));
        }
    }
}

/// The `token_set` score of two texts that are not learnt.
pub(super) fn set_likeness(a: &str, b: &str, scratch: &mut Scratch) -> u16 {
    let mut texts = Interner::new();
    let ids = [texts.intern(a), texts.intern(b)];
    let mut words = Words::default();
    words.learn(&texts, ids.into_iter());
    words.reaches(ids[0], ids[1], 0, scratch).unwrap_or(0)
}

fn words_of(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// A sketch of words: 32 classes of characters, of each the first four as a bit.
///
/// Where the sketches of two texts differ in so many bits, at least as many characters have to be taken
/// out or put in: shared words put the same into both, and a character more makes one bit at most.
fn letters<'a>(words: impl Iterator<Item = &'a str>) -> u128 {
    const LEVELS: u32 = 4;
    let mut sketch = 0_u128;
    for character in words.flat_map(str::chars) {
        let class = u32::from(character) % (u128::BITS / LEVELS);
        let full = (1 << LEVELS) - 1;
        let level = (sketch >> (class * LEVELS)) & full;
        sketch |= (((level << 1) | 1) & full) << (class * LEVELS);
    }
    sketch
}

/// Characters of the shared words and of the two rests, each joined by single blanks.
#[derive(Debug, Default)]
struct Lengths {
    shared: usize,
    rests: [usize; 2],
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Shared,
    Rest(usize),
}

impl Lengths {
    fn add(&mut self, part: Part, word: usize) {
        let length = match part {
            Part::Shared => &mut self.shared,
            Part::Rest(text) => &mut self.rests[text],
        };
        *length += word + usize::from(*length > 0);
    }

    /// The best of: whole against whole, and the shared words against either whole.
    fn score(&self, changes: usize) -> u16 {
        if self.shared == 0 {
            let total = self.rests[0] + self.rests[1];
            return share(total.saturating_sub(changes), total);
        }
        let wholes = self.rests.map(|rest| self.shared + rest + usize::from(rest > 0));
        let total = wholes[0] + wholes[1];
        let against_shared = wholes.map(|whole| share(2 * self.shared, self.shared + whole));
        share(total.saturating_sub(changes), total).max(against_shared[0]).max(against_shared[1])
    }
}

/// The most that two texts can score that are at least so many changes apart: their shared words have at
/// most half of the characters that need no change.
fn score_max(texts: [Text; 2], changes_min: usize) -> u16 {
    let [a, b] = texts.map(|text| index(text.length));
    let unchanged = (a + b).saturating_sub(changes_min);
    let shared_max = unchanged / 2;
    share(unchanged, a + b).max(share(2 * shared_max, shared_max + a.min(b)))
}

/// Insertions and deletions that turn one text into the other.
fn changes(a: &str, b: &str) -> usize {
    if a.is_ascii() && b.is_ascii() {
        indel::distance(a.bytes(), b.bytes())
    } else {
        indel::distance(a.chars(), b.chars())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cases: &[(&str, &str, u16)]) {
        for (a, b, score) in cases {
            assert_eq!(set_likeness(a, b, &mut Scratch::default()), *score, "{a:?} {b:?}");
        }
    }

    #[test]
    fn the_order_and_the_number_of_words_do_not_count() {
        check(&[("b a", "a b", 10_000), ("a a b", "b, a", 10_000), ("a b c", "a b", 10_000)]);
    }

    proptest::proptest! {
        #[test]
        fn leaving_out_hopeless_pairs_changes_no_score(
            texts in proptest::collection::vec("[a-eé]{1,4}( [a-eé]{1,4}){0,3}", 2..6), at_least in 0_u16..=10_000,
        ) {
            let mut interner = Interner::new();
            let ids: Vec<TextId> = texts.iter().map(|text| interner.intern(text)).collect();
            let mut words = Words::default();
            words.learn(&interner, ids.iter().copied());
            let mut scratch = Scratch::default();
            for (a, b) in ids.iter().zip(&ids[1..]) {
                let score = words.reaches(*a, *b, 0, &mut scratch).unwrap();
                let reached = words.reaches(*a, *b, at_least, &mut scratch);
                proptest::prop_assert_eq!(reached, (score >= at_least).then_some(score));
            }
        }
    }

    #[test]
    fn what_is_not_shared_is_compared_by_letters() {
        check(&[
            ("alpha beta", "alpha betta", 9523),       // 21 characters, one more: 20/21
            ("alpha", "omega", 2000),                  // only one letter in common: 2/10
            ("alpha one", "alpha two", 7777),          // 18 characters, only the o stays: 14/18
            ("alphabet one", "alphabet twenty", 8000), // the shared word against `alphabet one`: 16/20
            ("--", "a", 0),
        ]);
    }
}
