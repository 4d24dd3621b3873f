//! Samples: bounded, the same every time, and with rows of both sides that belong together.

use recon_contract::rules;
use recon_suggest::{Error, SAMPLE_ROWS_MAX};
use serde_json::json;

use crate::payments::{Payment, bank, file, ledger, payments};
use crate::{Files, input, matched, rules_of};

#[test]
fn the_same_files_give_the_same_suggestion() {
    let all = payments(300, 40);
    let files = Files::new(&bank(&all), &ledger(&all));
    assert_eq!(files.suggest(), files.suggest());
}

#[test]
fn many_rows_are_sampled_so_that_pairs_stay_together() {
    let all = payments(SAMPLE_ROWS_MAX + 5_000, 41);
    let line = |p: &Payment| format!("{},{},{}", p.number, p.amount(), p.iso(0));
    let left = file("ref,amount,date", all.iter().map(line));
    let right = file("ref,amount,date", all.iter().rev().map(line));
    let found = Files::new(&left, &right).suggest();
    let most = u64::try_from(SAMPLE_ROWS_MAX).unwrap();
    assert!(!found.sample.complete && found.sample.left <= most, "{:?}", found.sample);
    assert!(found.sample.left > most / 2, "{:?}", found.sample);
    // Nearly every sampled row has its partner in the sample.
    assert!(matched(&found) * 100 >= found.sample.left * 95, "{:?} {:?}", found.sample, found.expected);

    // Against a small side, the rows that share something with it come first.
    let few = file("ref,amount,date", all.iter().step_by(500).map(line));
    let found = Files::new(&few, &right).suggest();
    assert_eq!(matched(&found), found.sample.left, "{:?}", found.sample);
    assert!(rules_of(&found)["columns"]["reference"].is_object());
}

#[test]
fn given_rules_are_tried_on_the_sample() {
    let all = payments(100, 42);
    let files = Files::new(&bank(&all), &ledger(&all));
    let document = json!({
        "columns": {"amount": {"left": "amount", "right": "amount", "type": "decimal"}},
        "passes": [{"name": "exact", "equal": ["amount"]}],
    });
    let given = rules::from_json(&document).unwrap();
    let [mut left, mut right] = files.open();
    let (expected, sample) =
        recon_suggest::expect(&given, input(&mut left), input(&mut right), &|| true).unwrap();
    assert_eq!((sample.left, sample.right, sample.complete), (100, 100, true));
    assert_eq!(
        (expected[0].pass.as_str(), expected[0].left_matched, expected[0].right_matched),
        ("exact", 100, 100)
    );

    let mixed = files_with_two_decimal_marks();
    let [mut left, mut right] = mixed.open();
    let tried = recon_suggest::expect(&given, input(&mut left), input(&mut right), &|| true);
    assert!(matches!(tried, Err(Error::Mapping(_))), "{tried:?}");
}

fn files_with_two_decimal_marks() -> Files {
    let lines = (0..50).map(|n| if n % 2 == 0 { format!("\"1{n},5\"") } else { format!("1{n}.5") });
    Files::new(&file("amount,note", lines.map(|cell| format!("{cell},x"))), "amount,note\n1.5,x\n2.5,x\n")
}

#[test]
fn it_stops_when_told_to() {
    let all = payments(100, 43);
    let files = Files::new(&bank(&all), &ledger(&all));
    let [mut left, mut right] = files.open();
    let stopped = recon_suggest::suggest(input(&mut left), input(&mut right), &|| false);
    assert!(matches!(stopped, Err(Error::Cancelled)), "{stopped:?}");
}
