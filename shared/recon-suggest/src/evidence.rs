//! What is found out, in words: why the rules are as they are, and what could not be told.

use recon_contract::{Evidence, Question};

use crate::score::Score;

/// From this score on something is told; below it is asked.
pub const CONFIDENCE_MIN: Score = 5_000;
/// What is told must be ahead of the second best by so much, unless both come to the same.
pub const LEAD_MIN: Score = 800;

/// Everything that is to be said, in the order in which it was found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) questions: Vec<Question>,
    /// Whether one of the questions has to be answered before anything is matched.
    pub(crate) is_open: bool,
}

impl Findings {
    /// Says why a part of the rules is as it is.
    pub(crate) fn tell(&mut self, subject: impl Into<String>, text: impl Into<String>, score: Score) {
        self.evidence.push(Evidence { subject: subject.into(), text: text.into(), score });
    }

    /// Asks for what cannot be told.
    pub(crate) fn ask(&mut self, subject: impl Into<String>, text: impl Into<String>, options: Vec<String>) {
        self.questions.push(Question { subject: subject.into(), text: text.into(), options });
    }

    /// Asks for what has to be known: any rules without the answer would match what does not belong together.
    pub(crate) fn require(
        &mut self,
        subject: impl Into<String>,
        text: impl Into<String>,
        options: Vec<String>,
    ) {
        self.is_open = true;
        self.ask(subject, text, options);
    }
}

/// The best of what is there, by how much it leads.
pub(crate) enum Choice<T> {
    /// It is clear.
    Clear(T),
    /// These are too close to one another, or too weak.
    Open(Vec<T>),
    /// Nothing speaks for anything.
    Nothing,
}

/// Candidates that are shown with a question.
const OPTIONS_MAX: usize = 5;
/// Below this, a candidate is not worth a question.
const WORTH_ASKING_MIN: Score = 2_500;

/// Takes the candidate with the best score, if it is good enough and none that comes to something else is close.
pub(crate) fn choose<T>(
    mut candidates: Vec<T>,
    score: impl Fn(&T) -> Score,
    same: impl Fn(&T, &T) -> bool,
) -> Choice<T> {
    candidates.retain(|candidate| score(candidate) >= WORTH_ASKING_MIN);
    // Of equally good ones the first stays first.
    candidates.sort_by_key(|candidate| std::cmp::Reverse(score(candidate)));
    let Some(best) = candidates.first() else { return Choice::Nothing };
    let close = |other: &&T| score(other) + LEAD_MIN > score(best) && !same(best, other);
    if score(best) >= CONFIDENCE_MIN && candidates.iter().skip(1).find(close).is_none() {
        return Choice::Clear(candidates.swap_remove(0));
    }
    candidates.truncate(OPTIONS_MAX);
    Choice::Open(candidates)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(scores: &[Score]) -> Option<Score> {
        let different = |_: &Score, _: &Score| false;
        match choose(scores.to_vec(), |score| *score, different) {
            Choice::Clear(score) => Some(score),
            Choice::Open(_) | Choice::Nothing => None,
        }
    }

    #[test]
    fn only_a_clear_lead_is_taken() {
        assert_eq!(chosen(&[6_000, 9_000, 100]), Some(9_000));
        assert_eq!(chosen(&[9_000, 8_900]), None);
        assert_eq!(chosen(&[4_900]), None);
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn a_second_that_comes_to_the_same_does_not_matter() {
        let choice = choose(vec![9_000, 8_900], |score| *score, |_, _| true);
        assert!(matches!(choice, Choice::Clear(9_000)));
    }
}
