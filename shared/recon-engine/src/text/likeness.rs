//! The likeness of two texts, from 0 to 10,000. The formulas stand in the README of the crate.

use rapidfuzz::distance::{jaro_winkler, levenshtein};
use recon_domain::Measure;

use super::{SCORE_MAX, SIMILAR_BYTES_MAX, Scratch, words};

/// How alike two texts are, by this measure: 0 is not at all, [`SCORE_MAX`] is the same. A text that is longer than
/// [`SIMILAR_BYTES_MAX`] is like no other.
#[must_use]
pub fn likeness(measure: Measure, a: &str, b: &str) -> u16 {
    if a.len().max(b.len()) > SIMILAR_BYTES_MAX {
        return 0;
    }
    match measure {
        Measure::TokenSet => words::set_likeness(a, b, &mut Scratch::default()),
        Measure::Edit | Measure::JaroWinkler => reaches(measure, a, b, 0).unwrap_or(0),
    }
}

/// The score by edits or Jaro-Winkler, if it is at least `at_least`.
pub(crate) fn reaches(measure: Measure, a: &str, b: &str, at_least: u16) -> Option<u16> {
    if a == b {
        return Some(SCORE_MAX);
    }
    let score = match (measure, a.is_ascii() && b.is_ascii()) {
        (Measure::Edit | Measure::TokenSet, true) => edit(a.bytes(), b.bytes(), at_least)?,
        (Measure::Edit | Measure::TokenSet, false) => edit(a.chars(), b.chars(), at_least)?,
        (Measure::JaroWinkler, true) => nearest(jaro_winkler::normalized_similarity(a.bytes(), b.bytes())),
        (Measure::JaroWinkler, false) => nearest(jaro_winkler::normalized_similarity(a.chars(), b.chars())),
    };
    (score >= at_least).then_some(score)
}

/// Levenshtein: the share of the longer text that need not be changed.
fn edit<A, B, C>(a: A, b: B, at_least: u16) -> Option<u16>
where
    A: DoubleEndedIterator<Item = C> + Clone,
    B: DoubleEndedIterator<Item = C> + Clone,
    C: rapidfuzz::HashableChar + Copy + PartialEq,
{
    let longer = a.clone().count().max(b.clone().count());
    let unchanged_min = (longer * usize::from(at_least)).div_ceil(usize::from(SCORE_MAX));
    let limits = levenshtein::Args::default().score_cutoff(longer.saturating_sub(unchanged_min));
    let changes = levenshtein::distance_with_args(a, b, &limits)?;
    Some(share(longer.saturating_sub(changes), longer))
}

/// `part` of `whole` in ten-thousandths, rounded down, so that no pair is lifted over a threshold.
pub(super) fn share(part: usize, whole: usize) -> u16 {
    let score = (part * usize::from(SCORE_MAX)).checked_div(whole).unwrap_or(0);
    u16::try_from(score).unwrap_or(SCORE_MAX)
}

/// A similarity from 0 to 1 in ten-thousandths, rounded to the nearest.
fn nearest(similarity: f64) -> u16 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the value is clamped to the range of the target"
    )]
    let score = (similarity * f64::from(SCORE_MAX)).round().clamp(0.0, f64::from(SCORE_MAX)) as u16;
    score
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(measure: Measure, cases: &[(&str, &str, u16)]) {
        for (a, b, score) in cases {
            assert_eq!(likeness(measure, a, b), *score, "{measure} {a:?} {b:?}");
            assert_eq!(likeness(measure, b, a), *score, "{measure} {b:?} {a:?}");
        }
    }

    #[test]
    fn edit_is_the_share_of_the_longer_text_that_stays() {
        check(
            Measure::Edit,
            &[
                ("kitten", "sitting", 5714), // 4 of 7 stay
                ("abc", "abc", 10_000),
                ("abc", "xyz", 0),
                ("Müller", "Muller", 8333),
                ("a", "", 0),
            ],
        );
    }

    #[test]
    fn jaro_winkler_agrees_with_the_published_examples() {
        check(
            Measure::JaroWinkler,
            &[("MARTHA", "MARHTA", 9611), ("DIXON", "DICKSONX", 8133), ("abc", "xyz", 0), ("é", "é", 10_000)],
        );
    }

    proptest! {
        #[test]
        fn scores_are_symmetric_bounded_and_agree_with_the_cut(
            a in "[a-cé ]{0,12}", b in "[a-cé ]{0,12}", at_least in 0_u16..=10_000,
        ) {
            for measure in Measure::ALL {
                let score = likeness(*measure, &a, &b);
                prop_assert!(score <= SCORE_MAX);
                prop_assert_eq!(score, likeness(*measure, &b, &a));
            }
            for measure in [Measure::Edit, Measure::JaroWinkler] {
                let score = likeness(measure, &a, &b);
                prop_assert_eq!(reaches(measure, &a, &b, at_least), (score >= at_least).then_some(score));
            }
        }
    }
}
