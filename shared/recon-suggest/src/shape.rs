//! References inside texts: what they look like in one column, as a pattern for the other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use regex::Regex;

/// The most cells of a column that are looked at.
const CELLS_MAX: usize = 2_000;
/// The most patterns of one column.
const SHAPES_MAX: usize = 3;
/// The share of cells that must hold a shape, in percent.
const CELLS_MIN_PERCENT: usize = 5;
/// The most ways to begin that a pattern lists; more of them are any letters.
const PREFIXES_MAX: usize = 6;
/// The fewest digits of a reference.
const DIGITS_MIN: usize = 3;
/// The fewest different values among a hundred for a shape to be one of references.
const DISTINCT_MIN_PERCENT: usize = 50;

/// Letters, then groups of digits, with a mark or blank between them.
static TOKEN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(?:([A-Za-z]{1,6})[-/_.# ]?)?(\d+(?:[-/_. ]\d+)*)\b").ok());

/// What stands between the parts of a reference.
const MARK: &str = "[-/_. ]?";

/// A form of references.
#[derive(Debug, Default)]
struct Shape {
    cells: usize,
    values: BTreeSet<String>,
    /// How often each prefix occurs.
    prefixes: BTreeMap<String, usize>,
    /// The fewest and the most digits of each group.
    digits: Vec<(usize, usize)>,
}

/// Patterns of what looks like references in these cells, the commonest first.
pub(crate) fn patterns<'c>(cells: impl Iterator<Item = &'c str>) -> Vec<String> {
    let mut shapes: BTreeMap<(bool, usize), Shape> = BTreeMap::new();
    let mut looked_at = 0;
    for cell in cells.filter(|cell| !cell.is_empty()).take(CELLS_MAX) {
        looked_at += 1;
        let mut seen = BTreeSet::new();
        for (prefix, groups) in tokens(cell) {
            let key = (!prefix.is_empty(), groups.len());
            if seen.insert(key) {
                shapes.entry(key).or_default().add(&prefix, &groups);
            }
        }
    }
    let mut common: Vec<Shape> = shapes.into_values().filter(|shape| shape.is_common(looked_at)).collect();
    common.sort_by_key(|shape| std::cmp::Reverse(shape.cells));
    let mut found: Vec<String> = Vec::new();
    for shape in common.iter().take(SHAPES_MAX) {
        for pattern in shape.patterns() {
            if !found.contains(&pattern) {
                found.push(pattern);
            }
        }
    }
    found
}

/// Prefix and groups of digits of each token of a cell.
fn tokens(cell: &str) -> impl Iterator<Item = (String, Vec<&str>)> {
    let found = TOKEN.as_ref().into_iter().flat_map(move |token| token.captures_iter(cell));
    found.filter_map(|groups| {
        let prefix = groups.get(1).map_or_else(String::new, |prefix| prefix.as_str().to_ascii_uppercase());
        let digits = groups.get(2)?.as_str();
        let groups: Vec<&str> = digits.split(|letter: char| !letter.is_ascii_digit()).collect();
        (groups.iter().map(|group| group.len()).sum::<usize>() >= DIGITS_MIN).then_some((prefix, groups))
    })
}

impl Shape {
    fn add(&mut self, prefix: &str, groups: &[&str]) {
        self.cells += 1;
        *self.prefixes.entry(prefix.to_owned()).or_insert(0) += 1;
        self.values.insert(format!("{prefix}{}", groups.concat()));
        self.digits.resize(groups.len(), (usize::MAX, 0));
        for ((fewest, most), group) in self.digits.iter_mut().zip(groups) {
            (*fewest, *most) = ((*fewest).min(group.len()), (*most).max(group.len()));
        }
    }

    fn is_common(&self, cells: usize) -> bool {
        self.cells * 100 >= cells * CELLS_MIN_PERCENT
            && self.values.len() * 100 >= self.cells * DISTINCT_MIN_PERCENT
            && self.cells > 1
    }

    /// With its prefix, and the digits alone where the other side may leave the prefix out.
    fn patterns(&self) -> Vec<String> {
        let count = |(fewest, most): &(usize, usize)| match fewest == most {
            true => format!(r"\d{{{fewest}}}"),
            false => format!(r"\d{{{fewest},{most}}}"),
        };
        let digits = self.digits.iter().map(count).collect::<Vec<_>>().join(MARK);
        let often = |cells: usize| cells * 50 >= self.cells;
        let prefixes: Vec<&str> = self
            .prefixes
            .iter()
            .filter(|(prefix, cells)| !prefix.is_empty() && often(**cells))
            .map(|(prefix, _)| prefix.as_str())
            .collect();
        if prefixes.is_empty() {
            return vec![format!(r"\b{digits}\b")];
        }
        let prefix = match prefixes.as_slice() {
            [only] => (*only).to_owned(),
            several if several.len() <= PREFIXES_MAX => format!("(?:{})", several.join("|")),
            _ => "[A-Z]{1,6}".to_owned(),
        };
        let mut patterns = vec![format!(r"(?i)\b{prefix}[-/_.# ]?{digits}\b")];
        if prefixes.len() <= PREFIXES_MAX {
            patterns.push(format!(r"(?i)\b(?:{prefix}[-/_.# ]?)?({digits})\b"));
        }
        patterns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cells: &[&str], expected: &[&str]) {
        assert_eq!(patterns(cells.iter().copied()), expected, "{cells:?}");
    }

    #[test]
    fn a_reference_is_described_by_its_parts() {
        check(
            &["INV-0042", "INV-0043", "INV-0044"],
            &[r"(?i)\bINV[-/_.# ]?\d{4}\b", r"(?i)\b(?:INV[-/_.# ]?)?(\d{4})\b"],
        );
        check(
            &["pays RE 2026 04711", "KR-2026-00318 thanks", "RE-2026-04712"],
            &[
                r"(?i)\b(?:KR|RE)[-/_.# ]?\d{4}[-/_. ]?\d{5}\b",
                r"(?i)\b(?:(?:KR|RE)[-/_.# ]?)?(\d{4}[-/_. ]?\d{5})\b",
            ],
        );
        check(&["10023", "9024", "10025"], &[r"\b\d{4,5}\b"]);
    }

    #[test]
    fn what_repeats_or_is_rare_is_no_reference() {
        check(&["shop 0117", "shop 0117", "shop 0117", "shop 0117"], &[]);
        check(&["", "no digits", "a 1", "b 22"], &[]);
    }

    #[test]
    fn every_pattern_compiles() {
        let cells =
            ["A.1/2#3 45", "ÄÖ-123-4567", "x_999_1", "(?i)123 [456]", "N° 0001/2026", "AB12345", "\\d{9}999"];
        for pattern in patterns(cells.iter().copied().cycle().take(100)) {
            assert!(Regex::new(&pattern).is_ok(), "{pattern}");
        }
    }
}
