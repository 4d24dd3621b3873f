//! Made-up words from syllables.

use std::collections::HashSet;

use crate::random::Random;

const ONSETS: [&str; 22] = [
    "b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "z", "br", "dr", "kl", "st",
    "tr", "sh",
];
const VOWELS: [&str; 8] = ["a", "e", "i", "o", "u", "ai", "au", "ei"];
const CODAS: [&str; 9] = ["", "", "", "l", "n", "r", "s", "m", "nd"];

/// This many different words of two or three syllables.
pub(super) fn words(count: usize, random: &mut Random) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut words = Vec::with_capacity(count);
    while words.len() < count {
        let syllables = random.between(2, 3);
        let word: String = (0..syllables).map(|_| syllable(random)).collect();
        if seen.insert(word.clone()) {
            words.push(word);
        }
    }
    words
}

fn syllable(random: &mut Random) -> String {
    let (onset, vowel, coda) = (random.pick(&ONSETS), random.pick(&VOWELS), random.pick(&CODAS));
    format!("{onset}{vowel}{coda}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_different_and_the_same_for_the_same_seed() {
        let first = words(5000, &mut Random::new(9, 0));
        assert_eq!(first, words(5000, &mut Random::new(9, 0)));
        assert_eq!(first.iter().collect::<HashSet<_>>().len(), 5000);
        assert!(first.iter().all(|word| word.chars().all(|letter| letter.is_ascii_lowercase())));
    }
}
