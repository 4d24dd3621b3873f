//! Two halves of any bytes, mapped and reconciled: every row of both is matched, suggested, broken or rejected.
#![no_main]

use std::io::Cursor;
use std::num::NonZeroUsize;

use libfuzzer_sys::fuzz_target;
use recon_contract::rules;
use recon_domain::ReadOptions;
use recon_formats::mapping::{Input, map_both};
use recon_formats::{Keep, TextReader};

const RULES: &str = r#"
[columns.amount]
left = "a"
right = "a"
type = "decimal"
[columns.date]
left = "d"
right = "d"
type = "date"
[columns.reference]
left = "r"
right = "r"
type = "text"
normalize = ["trim", "upper", "accents", "alphanumeric", "strip_leading_zeros"]
[[passes]]
name = "exact"
equal = ["reference", "amount"]
[[passes]]
name = "near"
within = [{ column = "amount", absolute = "0.02", percent = "1" }, { column = "date", days_before = 2, days_after = 2 }]
similar = [{ column = "reference", at_least = 5000 }]
"#;

fn open(header: &[u8], bytes: &[u8]) -> Option<TextReader> {
    let bytes = [header, bytes].concat();
    TextReader::new(Cursor::new(bytes), &ReadOptions::default(), &Keep::All).ok()
}

fuzz_target!(|input: &[u8]| {
    let rules = rules::from_toml(RULES).expect("the rules are valid");
    let (left, right) = input.split_at(input.len() / 2);
    let (Some(mut left), Some(mut right)) = (open(b"a,d,r\n", left), open(b"r;d;a\n", right)) else { return };
    let left = Input { source: &mut left, options: ReadOptions::default() };
    let right = Input { source: &mut right, options: ReadOptions::default() };
    let Ok(mapped) = map_both(&rules, left, right, NonZeroUsize::MIN, &|_, _, _| true) else { return };
    let outcome = recon_engine::reconcile(
        &rules,
        &mapped.left,
        &mapped.right,
        &mapped.texts,
        NonZeroUsize::MIN,
        &recon_engine::Quiet,
    );
    let summary = outcome.expect("nobody stopped it").summary;
    for (table, counts) in [&mapped.left, &mapped.right].into_iter().zip(&summary.sides) {
        assert_eq!(counts.rows, table.len() as u64);
        assert_eq!(counts.rows, counts.matched + counts.suggested + counts.broken);
    }
});
