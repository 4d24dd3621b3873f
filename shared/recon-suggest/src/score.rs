//! Scores: integers from 0 to 10,000.

/// From 0, which nothing speaks for, to 10,000.
pub(crate) type Score = u16;

/// The best score.
pub(crate) const SCORE_MAX: Score = 10_000;

/// `part` of `whole` in ten-thousandths, rounded down; 0 of nothing.
pub(crate) fn share(part: u64, whole: u64) -> Score {
    let share = u128::from(part) * u128::from(SCORE_MAX);
    let share = share.checked_div(u128::from(whole)).unwrap_or(0);
    Score::try_from(share).map_or(SCORE_MAX, |share| share.min(SCORE_MAX))
}

/// [`share`] of numbers of rows.
pub(crate) fn share_of(part: usize, whole: usize) -> Score {
    share(u64::try_from(part).unwrap_or(u64::MAX), u64::try_from(whole).unwrap_or(u64::MAX))
}

/// One score taken as a share of another.
pub(crate) fn times(a: Score, b: Score) -> Score {
    share(u64::from(a) * u64::from(b), u64::from(SCORE_MAX) * u64::from(SCORE_MAX))
}

/// What two things that speak for the same come to: each leaves a doubt, and both doubts have to be right.
pub(crate) fn both(a: Score, b: Score) -> Score {
    SCORE_MAX - times(SCORE_MAX - a.min(SCORE_MAX), SCORE_MAX - b.min(SCORE_MAX))
}

/// A score as percent, for people.
pub(crate) fn percent(score: Score) -> String {
    format!("{} %", (u32::from(score) + 50) / 100)
}
