//! Numbers of entries, classes and texts: 32 bits in memory, `usize` as an index.

/// As an index.
pub(crate) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// An index as it is stored. Tables number their entries in 32 bits, so nothing is larger.
pub(crate) fn narrow(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// A length as a count of the summary.
pub(crate) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
