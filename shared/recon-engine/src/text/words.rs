//! Texts as sets of words.

use std::cmp::Ordering;
use std::ops::Range;

use rapidfuzz::distance::lcs_seq;

use super::likeness::share;
use super::{SCORE_MAX, is_comparable};
use crate::number::{count, index, narrow};
use crate::progress::Watch;
use crate::{Cancelled, Interner, TextId, text};

/// The words of texts, each text taken apart once.
///
/// A word is a run of letters and digits, and counts once in its text. A text has its words twice: by their numbers,
/// to find out quickly which ones two texts share, and in the order of their letters, in which the others are compared.
#[derive(Debug, Default)]
pub(crate) struct Words {
    distinct: Interner,
    /// For each distinct word, how many characters it has.
    lengths: Vec<usize>,
    /// Word numbers, text after text, in their own order.
    words: Vec<u32>,
    /// The same, of each text in the order of letters.
    by_letters: Vec<u32>,
    /// By the number of the text; see [`Text::UNKNOWN`].
    texts: Vec<Text>,
}

/// A text that was taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Text {
    /// Where its words lie, in either list.
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
    /// What was done since [`Watch::after`] was last told.
    pub(crate) work: u64,
}

impl Words {
    /// Takes these texts apart, as far as it is not done yet and they are compared at all.
    pub(crate) fn learn(
        &mut self,
        texts: &Interner,
        ids: impl Iterator<Item = TextId>,
        watch: &Watch<'_>,
    ) -> Result<(), Cancelled> {
        self.texts.resize(texts.len(), Text::UNKNOWN);
        let mut work = 0;
        for id in ids.filter(|id| is_comparable(texts, *id)) {
            let Some(text) = texts.get(id) else { continue };
            if self.texts[index(id.0)] == Text::UNKNOWN {
                self.texts[index(id.0)] = self.split(text);
                watch.after(&mut work, count(text.len()))?;
            }
        }
        Ok(())
    }

    fn split(&mut self, text: &str) -> Text {
        let start = self.words.len();
        for word in words_of(text) {
            let id = self.distinct.intern(word);
            if index(id.0) == self.lengths.len() {
                self.lengths.push(word.chars().count());
            }
            self.words.push(id.0);
        }
        self.words[start..].sort_unstable();
        keep_distinct(&mut self.words, start);
        let (words, distinct) = (&self.words[start..], &self.distinct);
        self.by_letters.extend_from_slice(words);
        self.by_letters[start..].sort_unstable_by_key(|word| distinct.get(TextId(*word)));
        let letters = letters(words.iter().filter_map(|word| distinct.get(TextId(*word))));
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
        let ranges = texts.map(|text| index(text.words.0)..index(text.words.1));
        let lengths = self.lengths_of(ranges.clone().map(|range| &self.words[range]));
        scratch.work += count(ranges[0].len() + ranges[1].len());
        let changes_min = lengths.rests[0].abs_diff(lengths.rests[1]).max(changes_min);
        if lengths.score(changes_min) < at_least {
            return None;
        }
        if lengths.rests.contains(&0) {
            return Some(lengths.score(lengths.rests[0].abs_diff(lengths.rests[1])));
        }
        scratch.work += text::work(lengths.rests);
        let [rest_a, rest_b] = &mut scratch.rests;
        let [a, b] = ranges;
        self.join_rest(a.clone(), b.clone(), rest_a);
        self.join_rest(b, a, rest_b);
        // Where more has to be changed than the score allows, only the shared words can reach it.
        let score = match changes(rest_a, rest_b, lengths.changes_max(at_least)) {
            Some(changes) => lengths.score(changes),
            None => lengths.score(usize::MAX),
        };
        (score >= at_least).then_some(score)
    }

    fn text(&self, id: TextId) -> Text {
        let known = self.texts.get(index(id.0)).filter(|text| **text != Text::UNKNOWN);
        known.copied().unwrap_or(Text { words: (0, 0), ..Text::UNKNOWN })
    }

    /// Goes through the words of both texts by their numbers, side by side.
    fn lengths_of(&self, [mut a, mut b]: [&[u32]; 2]) -> Lengths {
        let mut lengths = Lengths::default();
        while let ([first, rest_a @ ..], [second, rest_b @ ..]) = (a, b) {
            let (part, word) = match first.cmp(second) {
                Ordering::Less => (Part::Rest(0), first),
                Ordering::Equal => (Part::Shared, first),
                Ordering::Greater => (Part::Rest(1), second),
            };
            lengths.add(part, self.lengths[index(*word)]);
            if first <= second {
                a = rest_a;
            }
            if second <= first {
                b = rest_b;
            }
        }
        a.iter().for_each(|word| lengths.add(Part::Rest(0), self.lengths[index(*word)]));
        b.iter().for_each(|word| lengths.add(Part::Rest(1), self.lengths[index(*word)]));
        lengths
    }

    /// Joins the words of one text that the other does not have, in the order of letters.
    fn join_rest(&self, from: Range<usize>, other: Range<usize>, rest: &mut String) {
        rest.clear();
        let other = &self.words[other];
        for word in self.by_letters[from].iter().filter(|word| other.binary_search(word).is_err()) {
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
    for id in ids {
        if let Some(text) = texts.get(id) {
            let text = words.split(text);
            words.texts.push(text);
        }
    }
    words.reaches(ids[0], ids[1], 0, scratch).unwrap_or(0)
}

/// Drops repetitions from the sorted numbers at the end of a list.
fn keep_distinct(words: &mut Vec<u32>, start: usize) {
    let mut end = start;
    for place in start..words.len() {
        if end == start || words[place] != words[end - 1] {
            words[end] = words[place];
            end += 1;
        }
    }
    words.truncate(end);
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
        let wholes = self.wholes();
        let total = wholes[0] + wholes[1];
        let whole = share(total.saturating_sub(changes), total);
        if self.shared == 0 {
            return whole;
        }
        let against_shared = wholes.map(|whole| share(2 * self.shared, self.shared + whole));
        whole.max(against_shared[0]).max(against_shared[1])
    }

    /// With how many changes whole against whole still scores this much.
    fn changes_max(&self, score: u16) -> usize {
        let wholes = self.wholes();
        let total = wholes[0] + wholes[1];
        total.saturating_sub((total * usize::from(score)).div_ceil(usize::from(SCORE_MAX)))
    }

    /// Either text's words joined by single blanks.
    fn wholes(&self) -> [usize; 2] {
        self.rests.map(|rest| self.shared + rest + usize::from(self.shared > 0 && rest > 0))
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

/// Insertions and deletions that turn one text into the other, if they are at most so many.
fn changes(a: &str, b: &str, most: usize) -> Option<usize> {
    if a.is_ascii() && b.is_ascii() {
        return changes_of(a.bytes(), b.bytes(), [a.len(), b.len()], most);
    }
    changes_of(a.chars(), b.chars(), [a.chars().count(), b.chars().count()], most)
}

/// What is not in the longest common subsequence has to be changed.
fn changes_of<I>(a: I, b: I, lengths: [usize; 2], most: usize) -> Option<usize>
where
    I: DoubleEndedIterator + Clone,
    I::Item: rapidfuzz::HashableChar + Copy + PartialEq,
{
    let total = lengths[0] + lengths[1];
    let common_min = total.saturating_sub(most).div_ceil(2);
    let limits = lcs_seq::Args::default().score_cutoff(common_min);
    let common = lcs_seq::similarity_with_args(a, b, &limits)?;
    Some(total.saturating_sub(2 * common))
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
            let watch = Watch::new(&crate::Quiet, crate::Phase::Matching, 0);
            words.learn(&interner, ids.iter().copied(), &watch).unwrap();
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
