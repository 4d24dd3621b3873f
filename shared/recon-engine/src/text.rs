//! Texts: extraction, normalisation, likeness.

mod likeness;
mod normalize;
mod words;

use recon_domain::Role;
use regex::Regex;

pub use likeness::likeness;
pub(crate) use likeness::reaches;
pub(crate) use words::{Scratch, Words};

use crate::number::count;
use crate::{Interner, TextId};

/// The best score, of texts that are the same.
pub const SCORE_MAX: u16 = 10_000;

/// The longest text, after [`prepare`], that a likeness is measured of, in bytes. The time that a measure takes grows
/// with the product of both lengths; references, names and descriptions of payments are far shorter.
pub const SIMILAR_BYTES_MAX: usize = 1_024;

/// How many pairs of letters a comparison goes through in a unit of [`crate::progress::WORK_PER_QUESTION`].
const LETTER_PAIRS_PER_WORK: usize = 256;

/// Whether a likeness is measured of this text. An empty or a longer one fails every `similar`, against itself too.
pub(crate) fn is_comparable(texts: &Interner, id: TextId) -> bool {
    texts.bytes(id).is_some_and(|bytes| bytes <= SIMILAR_BYTES_MAX)
}

/// How much work it is to compare two texts of these lengths.
pub(crate) fn work([a, b]: [usize; 2]) -> u64 {
    count(a + b + a * b / LETTER_PAIRS_PER_WORK)
}

/// The value that conditions compare: `extract`, then `values`, then `normalize` of the role.
///
/// Writes it into `out`, which it clears first. An empty result is an empty cell.
pub fn prepare(role: &Role, cell: &str, out: &mut String) {
    out.clear();
    let kept = role.extract.as_ref().map_or(cell, |pattern| extracted(pattern, cell));
    let replaced = role.values.iter().find(|(from, _)| from == kept);
    out.push_str(replaced.map_or(kept, |(_, to)| to));
    for step in &role.normalize {
        if out.is_empty() {
            return;
        }
        normalize::apply(*step, out);
    }
}

/// The first group that took part in the match, else the whole match; nothing where there is no match.
fn extracted<'a>(pattern: &Regex, cell: &'a str) -> &'a str {
    if pattern.captures_len() == 1 {
        return pattern.find(cell).map_or("", |found| found.as_str());
    }
    pattern.captures(cell).map_or("", |groups| {
        let group = groups.iter().skip(1).flatten().next().or_else(|| groups.get(0));
        group.map_or("", |found| found.as_str())
    })
}

#[cfg(test)]
mod tests {
    use recon_domain::{Normalize, RoleType, Source};

    use super::*;

    fn check(
        extract: Option<&str>,
        values: &[(&str, &str)],
        normalize: &[Normalize],
        cases: &[(&str, &str)],
    ) {
        let role = Role {
            name: "reference".into(),
            kind: RoleType::Text,
            sources: [Source::Absent, Source::Absent],
            negate: [false; 2],
            formats: [None, None],
            extract: extract.map(|pattern| Regex::new(pattern).unwrap()),
            values: values.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect(),
            normalize: normalize.to_vec(),
        };
        let mut out = String::from("left over");
        for (cell, value) in cases {
            prepare(&role, cell, &mut out);
            assert_eq!(out, *value, "{cell:?}");
        }
    }

    #[test]
    fn a_role_without_steps_keeps_the_cell() {
        check(None, &[], &[], &[("", ""), (" Ä b ", " Ä b ")]);
    }

    #[test]
    fn extraction_keeps_the_first_group_or_the_whole_match() {
        check(Some(r"INV-?(\d+)"), &[], &[], &[("pays INV-0042.", "0042"), ("INV7", "7"), ("none", "")]);
        check(Some(r"\d+"), &[], &[], &[("a 12 b 34", "12"), ("none", "")]);
        check(Some(r"A(\d)|B(\d)"), &[], &[], &[("B2", "2"), ("A1", "1")]);
    }

    #[test]
    fn values_replace_whole_values_after_extraction_and_before_normalisation() {
        let values = [("N/A", ""), ("ab", " cd ")];
        check(
            Some(r"^[^;]*"),
            &values,
            &[Normalize::Trim],
            &[("N/A;x", ""), ("ab;", "cd"), ("N/A x", "N/A x")],
        );
    }

    #[test]
    fn steps_act_in_the_order_of_the_document() {
        use Normalize::{Alphanumeric, StripLeadingZeros, Trim, Upper};
        let steps = [Trim, Upper, Alphanumeric, StripLeadingZeros];
        check(None, &[], &steps, &[("  inv-0042 ", "INV0042"), ("-00x1", "X1"), ("--", "")]);
        check(None, &[], &[StripLeadingZeros, Alphanumeric], &[("-00x1", "00x1")]);
    }
}
