//! What is not looked at: texts that are too long, blocks with too much in them.

use recon_domain::{BreakKind, Condition, FilterTest, Measure, Side, Similar};
use recon_engine::Deviation;
use recon_engine::text::{SIMILAR_BYTES_MAX, likeness};

use crate::case::{AMOUNT, DESCRIPTION, Row, alike, cents, filter, pass, row, rules, run, run_on};

/// A text of so many different words, which are the same up to the last one.
fn words(count: usize, last: &str) -> String {
    let mut text: String = (0..count).map(|number| format!("w{number} ")).collect();
    text.push_str(last);
    text
}

#[test]
fn very_long_texts_fail_every_likeness_at_once() {
    let rows = |last: &str| -> Vec<Row> {
        (0..40).map(|n| row(n, 20_000, "").described(&words(12_800, last))).collect()
    };
    for measure in Measure::ALL {
        let similar = Similar { role: DESCRIPTION, at_least: 0, measure: *measure };
        let rules = rules(vec![pass(&[], &[cents(100)], &[similar])]);
        // Not even a text that is the same is like it.
        for last in ["end", "other"] {
            let outcome = run(&rules, &rows("end"), &rows(last));
            assert!(outcome.matches.is_empty(), "{measure}");
            for left_over in &outcome.breaks {
                assert_eq!(left_over.kind, BreakKind::ReferenceDiffers, "{measure}");
                let failed = &left_over.nearest.as_ref().unwrap().failed;
                let failed: Vec<_> = failed.iter().map(|one| (one.condition, one.by)).collect();
                assert_eq!(failed, [(Condition::Similar(0), Deviation::Other)], "{measure}");
            }
        }
        assert_eq!(likeness(*measure, &words(12_800, ""), &words(12_800, "")), 0);
    }
}

#[test]
fn the_longest_texts_that_are_compared_have_a_score() {
    let (as_long, longer) = ("a".repeat(SIMILAR_BYTES_MAX), "a".repeat(SIMILAR_BYTES_MAX + 1));
    // Bytes count, not letters: two for each of these.
    let (in_bytes, too_many_bytes) = ("é".repeat(512), "é".repeat(513));
    for measure in Measure::ALL {
        let similar = Similar { role: DESCRIPTION, at_least: 10_000, measure: *measure };
        let rules = rules(vec![pass(&[AMOUNT], &[], &[similar])]);
        for (text, matches) in [(&as_long, 1), (&longer, 0), (&in_bytes, 1), (&too_many_bytes, 0)] {
            let rows = [row(100, 20_000, "").described(text)];
            assert_eq!(run(&rules, &rows, &rows).matches.len(), matches, "{measure} {}", text.len());
        }
    }
}

#[test]
fn texts_of_many_words_are_compared_word_by_word() {
    let shared = || (0..150).map(|number| format!("{number:03}"));
    // Words of three out of five letters from the given one on.
    let own = |first: u8| {
        let letter = move |digit: u32| char::from(first + u8::try_from(digit % 5).unwrap());
        (0..100).map(move |n| [n, n / 5, n / 25].map(letter).iter().collect::<String>())
    };
    let joined = |words: Vec<String>| words.join(" ");
    let a = joined(own(b'a').chain(shared()).collect());
    let b = joined(shared().chain(own(b'k')).collect());
    assert_eq!((a.len(), b.len()), (999, 999));
    let score = |a: &str, b: &str| u32::from(likeness(Measure::TokenSet, a, b));
    // What is shared, 599 letters, against either whole; the others have no letter in common.
    assert_eq!(score(&a, &b), 10_000 * (2 * 599) / (599 + 999));
    assert_eq!(score(&a, &joined(own(b'a').chain(shared()).rev().collect())), 10_000);
    assert_eq!(score(&a, &joined(shared().collect())), 10_000);
}

#[test]
fn filters_on_empty_cells_hold_for_columns_of_every_type() {
    let empty = Row { amount: None, day: None, ..row(0, 0, "") };
    let full = Row { quantity: Some(0), ..row(0, 0, "A").described("a") };
    for role in (0..5).map(recon_domain::RoleId) {
        for (test, passing) in
            [(FilterTest::Is(String::new()), &empty), (FilterTest::IsNot(String::new()), &full)]
        {
            let mut pass = pass(&[], &[], &[]);
            pass.filters = vec![filter(Some(Side::Left), role, test.clone())];
            let left = [empty.clone(), full.clone()];
            let outcome = run(&rules(vec![pass]), &left, std::slice::from_ref(&full));
            let matched: Vec<&Row> = outcome.matches.iter().map(|one| &left[one.left[0] as usize]).collect();
            assert_eq!(matched, [passing], "{role:?} {test:?}");
        }
    }
}

#[test]
fn a_block_with_too_many_candidates_is_left_open_with_any_number_of_threads() {
    // All different, and all within the tolerance of each other: a few candidates more than the limit.
    let rows: Vec<Row> = (0..1_449).map(|n| row(n, 20_000, "")).collect();
    assert!(rows.len() * rows.len() > 1 << 21);
    let rules = rules(vec![pass(&[], &[cents(2_000)], &[])]);
    let outcome = run_on(&rules, &rows, &rows, 1);
    assert_eq!((outcome.summary.limits.skipped_blocks, outcome.matches.len()), (1, 0));
    for threads in [2, 5] {
        assert_eq!(run_on(&rules, &rows, &rows, threads), outcome);
    }
}

#[test]
fn few_entries_with_many_pairs_are_spread_over_threads_and_give_the_same() {
    let left: Vec<Row> = (0..40).map(|n| row(n * 50, 20_000, "").described("one card")).collect();
    let right: Vec<Row> = (0..6_000)
        .map(|n| row(n % 2_000, 20_000 + i32::from(n % 7 == 0), "").described("card two"))
        .collect();
    let rules = rules(vec![pass(&[], &[cents(2_000)], &[alike(DESCRIPTION, 5_000)])]);
    let outcome = run_on(&rules, &left, &right, 1);
    assert_eq!(outcome.matches.len(), 40);
    assert_eq!(run_on(&rules, &left, &right, 4), outcome);
}
