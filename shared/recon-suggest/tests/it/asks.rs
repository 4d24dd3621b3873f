//! What cannot be told is asked.

use recon_contract::RuleSuggestion;
use serde_json::json;

use crate::payments::{Payment, bank, file, ledger, payments, text};
use crate::{Files, asked, rules_of};

#[test]
fn files_that_have_nothing_to_do_with_each_other_get_no_rules() {
    let cells = |n: u64| format!("{},{},plant {}", n * 37 % 91, n * 11 % 53 + 1, n % 19);
    let plants = file("height,leaves,label", (1..200).map(cells));
    for (name, left, right) in [
        ("no roles in common", bank(&payments(200, 20)), plants.clone()),
        ("other payments", bank(&payments(300, 21)), ledger(&payments(300, 22))),
        (
            "names that say nothing",
            plants.clone(),
            bank(&payments(150, 23)).replacen("date,amount", "x,y", 1),
        ),
        ("other words only", "a,b\nx,y\nz,w\n".to_owned(), "c,d\nq,r\ns,t\n".to_owned()),
    ] {
        let found = Files::new(&left, &right).suggest();
        assert_eq!(found.rules, None, "{name}: {:?}", found.evidence);
        assert!(!found.questions.is_empty(), "{name}");
        assert!(found.draft.is_some(), "{name}");
    }
}

#[test]
fn the_same_price_alone_is_for_a_person_to_judge() {
    // Subscriptions of a few prices, by people who have nothing to do with each other.
    let line = |word: &'static str| {
        move |n: u64| format!("{word}{n},{}.99", [4, 9, 14, 19][usize::try_from(n * 7 % 4).unwrap()])
    };
    let left = file("customer,amount", (0..40).map(line("ab")));
    let right = file("firm,amount", (100..140).map(line("xyz")));
    let found = Files::new(&left, &right).suggest();
    let passes = found.rules.as_ref().map_or(&[][..], |rules| rules["passes"].as_array().unwrap());
    assert!(passes.iter().all(|pass| pass["outcome"] == "suggest"), "{passes:?}");
}

#[test]
fn row_numbers_are_no_reference() {
    let (one, other) = (payments(200, 24), payments(200, 25));
    let numbered = |all: &[Payment]| {
        file(
            "no,name,town",
            all.iter().enumerate().map(|(row, p)| format!("{},{},T{}", row + 1, p.name, p.day % 7)),
        )
    };
    let found = Files::new(&numbered(&one), &numbered(&other)).suggest();
    assert_eq!(found.rules, None, "{:?}", found.evidence);
}

#[test]
fn two_columns_that_speak_as_clearly_are_asked_about() {
    // Each half of the right amounts stands in another column on the left, and nothing else is there to tell.
    let (one, two) = (payments(100, 26), payments(100, 27));
    let pairs = || one.iter().zip(&two);
    let left = file("x,y", pairs().map(|(a, b)| format!("{},{}", a.amount(), b.amount())));
    let right = file("z,note", one.iter().chain(&two).map(|p| format!("{},-", p.amount())));
    let found = Files::new(&left, &right).suggest();
    assert_eq!(found.rules, None, "{:?}", found.evidence);
    assert!(asked(&found).contains(&"/columns/amount"), "{:?}", asked(&found));
    let question = found.questions.iter().find(|question| question.subject == "/columns/amount").unwrap();
    assert_eq!(question.options.len(), 2, "{question:?}");
}

#[test]
fn an_order_of_dates_that_nothing_tells_is_asked_and_left_out() {
    let mut all = payments(300, 28);
    all.retain(|payment| payment.dotted(0)[..2].parse::<u8>().unwrap() <= 12);
    let line = |p: &Payment| format!("{},{},{}", p.dotted(0), p.amount(), p.name);
    let (left, right) = (
        file("date,amount,name", all.iter().map(line)),
        file("date,amount,name", all.iter().rev().map(line)),
    );
    let found = Files::new(&left, &right).suggest();
    assert_eq!(rules_of(&found)["columns"].get("date"), None);
    assert!(asked(&found).contains(&"/left/date_order"), "{:?}", asked(&found));
}

#[test]
fn a_currency_that_one_side_does_not_say_is_asked_where_the_other_has_several() {
    let all = payments(200, 29);
    let currency = |p: &Payment| if p.number.is_multiple_of(2) { "EUR" } else { "USD" };
    let left =
        file("date,amount,ccy", all.iter().map(|p| format!("{},{},{}", p.iso(0), p.amount(), currency(p))));
    let found = Files::new(&left, &ledger(&all)).suggest();
    assert_eq!(found.rules, None, "it is not guessed");
    let draft = found.draft.as_ref().unwrap();
    assert_eq!(draft["columns"]["currency"], json!({"left": "ccy", "type": "text"}));
    assert!(draft["passes"].is_array(), "the rest is there to be answered: {draft}");
    let question = found.questions.iter().find(|question| question.subject == "/columns/currency").unwrap();
    assert_eq!(question.options, ["EUR", "USD"]);
    assert!(question.text.contains("`currency` in [right]"), "{question:?}");

    // The answer is all that the draft lacks.
    let mut answered = draft.clone();
    answered["right"] = json!({"currency": "EUR"});
    let euros = all.iter().filter(|p| currency(p) == "EUR").count();
    let files = Files::new(&left, &ledger(&all));
    let confirmed = files.confirmed(&RuleSuggestion { rules: Some(answered), ..found });
    assert_eq!(confirmed.len(), euros);
}

#[test]
fn currencies_beside_amounts_of_one_side_are_asked_for_on_the_other_too() {
    let all = payments(200, 30);
    let files = |currency: fn(&Payment) -> &'static str| {
        let line = |p: &Payment| format!("{},{} {},{}", p.iso(0), currency(p), p.amount(), p.name);
        Files::new(&file("date,amount,name", all.iter().map(line)), &ledger(&all))
    };
    let several = files(|p| if p.number.is_multiple_of(2) { "EUR" } else { "USD" }).suggest();
    assert_eq!(several.rules, None, "{:?}", several.evidence);
    let question = several.questions.iter().find(|question| question.subject == "/columns/currency").unwrap();
    assert_eq!(question.options, ["EUR", "USD"]);

    let one = files(|_| "EUR");
    let found = one.suggest();
    assert_eq!(rules_of(&found)["default_currency"], json!("EUR"));
    assert_eq!(one.confirmed(&found).len(), 200);
    let told = found.evidence.iter().find(|told| told.subject == "/default_currency").unwrap();
    assert!(told.text.contains("assumed to be the same"), "{told:?}");
}

/// A bank's file of debits with a sign and credits.
fn signed_debits(all: &[Payment], zero: &str) -> String {
    let line = |p: &Payment| {
        let amount = p.amount();
        let (debit, credit) = if p.cents < 0 { (amount.as_str(), zero) } else { (zero, amount.as_str()) };
        format!("{},{debit},{credit},{}", p.iso(0), p.name)
    };
    file("date,debit,credit,name", all.iter().map(line))
}

#[test]
fn debits_with_a_sign_are_never_taken_for_credits() {
    let all = payments(200, 31);
    for zero in ["", "0.00"] {
        let files = Files::new(&signed_debits(&all, zero), &ledger(&all));
        let found = files.suggest();
        let subject = "/columns/amount/left_debit";
        match &found.rules {
            // Where a run reads them as debits, that is said.
            Some(rules) => {
                assert!(found.evidence.iter().any(|told| told.subject == subject), "{rules}");
                assert_eq!(files.confirmed(&found).len(), 200, "{rules}");
            }
            None => assert_eq!(asked(&found), [subject]),
        }
    }
}

#[test]
fn debits_of_both_signs_are_reversals_and_no_question() {
    let mut all = payments(200, 32);
    let mut reversed = 0;
    let line = |p: &Payment| {
        let size = text(p.cents.abs(), '.');
        if p.cents < 0 {
            return format!("{},{size},,{}", p.iso(0), p.name);
        }
        // Some of what came in is money that went out and came back.
        reversed += 1;
        if reversed % 10 == 0 {
            format!("{},-{size},,{}", p.iso(0), p.name)
        } else {
            format!("{},,{size},{}", p.iso(0), p.name)
        }
    };
    all.sort_by_key(|payment| payment.number);
    let left = file("date,debit,credit,name", all.iter().map(line));
    let files = Files::new(&left, &ledger(&all));
    let found = files.suggest();
    assert_eq!(rules_of(&found)["columns"]["amount"]["left_debit"], json!("debit"));
    assert_eq!(files.confirmed(&found).len(), 200);
}

#[test]
fn columns_that_were_not_looked_at_are_named() {
    let all = payments(100, 33);
    let more: Vec<String> = (5..=43).map(|n| format!("c{n}")).collect();
    let line = |line: &str| format!("{line}{}", ",x".repeat(more.len()));
    let wide = |text: &str| {
        let mut lines = text.lines();
        let header = format!("{},{}", lines.next().unwrap(), more.join(","));
        file(&header, lines.map(line))
    };
    let found = Files::new(&wide(&bank(&all)), &ledger(&all)).suggest();
    let told = found.evidence.iter().find(|told| told.subject == "/left").unwrap();
    assert!(told.text.contains("43 columns") && told.text.contains("last 3 after `c40`"), "{told:?}");
    assert!(recon_suggest::to_toml(&found).contains("43 columns"), "a file says it too");
    assert!(!found.evidence.iter().any(|told| told.subject == "/right"), "{:?}", found.evidence);
}

#[test]
fn empty_and_odd_files_are_no_panic() {
    let odd = [
        "a\n",
        "a,b\n",
        "amount,date\n,\n,\n",
        "amount,amount\n1,2\n3,4\n",
        "amount\n99999999999999999999999999999999\n0\n-0\n",
        "ü[],\"x\ny\"\n\\d{9},(?i)\n",
        "date\n31.02.2026\n0000-00-00\n",
    ];
    for left in odd {
        for right in odd {
            let (one, other) = (Files::new(left, right), Files::new(right, left));
            for files in [one, other] {
                let opened = std::panic::catch_unwind(|| files.open());
                if opened.is_ok() {
                    files.suggest();
                }
            }
        }
    }
}
