//! What differs, as it is found.

/// How many differences are told; the others are counted.
const SHOWN_MAX: usize = 100;

/// What differs between result files and what their inputs say.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// The first ones, in words.
    pub shown: Vec<String>,
    /// How many there are.
    pub count: u64,
}

impl Differences {
    /// One more.
    pub(super) fn add(&mut self, words: String) {
        self.count += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(words);
        }
    }

    /// How many are not shown.
    pub(super) fn hidden(&self) -> u64 {
        self.count - u64::try_from(self.shown.len()).unwrap_or(u64::MAX)
    }
}
