//! What can be told is told.

use serde_json::json;

use crate::payments::{Payment, bank, file, ledger, payments, text};
use crate::{Files, asked, matched, rules_of};

#[test]
fn names_types_and_values_lead_to_all_roles() {
    let all = payments(300, 1);
    let found = Files::new(&bank(&all), &ledger(&all)).suggest();
    let columns = &rules_of(&found)["columns"];
    assert_eq!(
        (&columns["amount"]["left"], &columns["amount"]["right"]),
        (&json!("amount"), &json!("amount"))
    );
    assert_eq!(
        (&columns["date"]["left"], &columns["date"]["right"]),
        (&json!("date"), &json!("posting date"))
    );
    assert_eq!(columns["reference"]["left"], json!("purpose"));
    assert_eq!(columns["reference"]["right"], json!("document no"));
    assert!(columns["reference"]["extract"].is_string());
    assert_eq!(columns["counterparty"]["right"], json!("customer"));
    assert_eq!(matched(&found), 300);
    assert!(found.questions.is_empty(), "{:?}", found.questions);
    let first = &rules_of(&found)["passes"][0];
    assert_eq!(first["equal"], json!(["reference", "amount"]));
    assert_eq!(first["within"], json!([{"column": "date", "days_before": 0, "days_after": 2}]));
}

#[test]
fn headers_of_five_languages_are_understood() {
    let all = payments(120, 2);
    let left = |header: &str| {
        let line = |p: &Payment| format!("{};{};{};EUR", p.dotted(0), text(p.cents, ','), p.name);
        file(header, all.iter().map(line))
    };
    for (header, amount, date, currency) in [
        ("Booking date;Amount;Payee;Currency", "Amount", "Booking date", "Currency"),
        ("Buchungstag;Betrag;Empfänger;Währung", "Betrag", "Buchungstag", "Währung"),
        ("Date opération;Montant;Bénéficiaire;Devise", "Montant", "Date opération", "Devise"),
        ("Fecha valor;Importe;Beneficiario;Moneda", "Importe", "Fecha valor", "Moneda"),
        ("Boekdatum;Bedrag;Begunstigde;Munt", "Bedrag", "Boekdatum", "Munt"),
    ] {
        let found = Files::new(&left(header), &ledger(&all)).suggest();
        let columns = &rules_of(&found)["columns"];
        assert_eq!(columns["amount"]["left"], json!(amount), "{header}");
        assert_eq!(columns["date"]["left"], json!(date), "{header}");
        assert_eq!(columns["currency"]["left"], json!(currency), "{header}");
        assert_eq!(rules_of(&found)["default_currency"], json!("EUR"), "{header}");
        assert!(columns["counterparty"].is_object(), "{header}: {columns}");
        assert_eq!(matched(&found), 120, "{header}");
    }
}

#[test]
fn names_that_say_nothing_do_not_matter_where_values_speak() {
    let all = payments(400, 3);
    let line = |p: &Payment| format!("{},{},{},{}", p.name, p.number, p.amount(), p.iso(0));
    let other = |p: &Payment| format!("{},{},{},{}", p.dotted(p.lag), p.amount(), p.name, p.number);
    let left = file("col1,col2,col3,col4", all.iter().map(line));
    let right = file("a,b,c,d", all.iter().rev().map(other));
    let found = Files::new(&left, &right).suggest();
    let columns = &rules_of(&found)["columns"];
    assert_eq!((&columns["amount"]["left"], &columns["amount"]["right"]), (&json!("col3"), &json!("b")));
    assert_eq!((&columns["date"]["left"], &columns["date"]["right"]), (&json!("col4"), &json!("a")));
    assert_eq!(
        (&columns["reference"]["left"], &columns["reference"]["right"]),
        (&json!("col2"), &json!("d"))
    );
    assert_eq!(matched(&found), 400);
}

#[test]
fn sides_may_be_swapped() {
    let all = payments(200, 4);
    let found = Files::new(&ledger(&all), &bank(&all)).suggest();
    let columns = &rules_of(&found)["columns"];
    assert_eq!(columns["reference"]["left"], json!("document no"));
    assert_eq!(columns["reference"]["right"], json!("purpose"));
    assert_eq!(
        rules_of(&found)["passes"][0]["within"],
        json!([{"column": "date", "days_before": 2, "days_after": 0}])
    );
    assert_eq!(matched(&found), 200);
}

#[test]
fn opposite_signs_are_seen_in_the_pairs() {
    let all = payments(200, 5);
    let mut opposite = all.clone();
    opposite.iter_mut().for_each(|payment| payment.cents = -payment.cents);
    let found = Files::new(&bank(&all), &ledger(&opposite)).suggest();
    assert_eq!(rules_of(&found)["columns"]["amount"]["negate"], json!("right"));
    assert!(found.evidence.iter().any(|evidence| evidence.subject == "/columns/amount/negate"));
    assert_eq!(matched(&found), 200);
    let found = Files::new(&bank(&all), &ledger(&all)).suggest();
    assert_eq!(rules_of(&found)["columns"]["amount"].get("negate"), None);
}

#[test]
fn debits_and_credits_are_one_amount() {
    let all = payments(200, 6);
    let line = |zero: &str, p: &Payment| {
        let size = text(p.cents.abs(), '.');
        let (debit, credit) = if p.cents < 0 { (size.as_str(), zero) } else { (zero, size.as_str()) };
        format!("{},{debit},{credit},{}", p.iso(0), p.name)
    };
    for (header, debit, zero, negate) in [
        ("date,Soll,Haben,name", "Soll", "", None),
        ("date,debit,credit,name", "debit", "0.00", None),
        // The other way about, as a ledger's asset account has them.
        ("date,Haben,Soll,name", "Soll", "", Some("right")),
        ("a,b,c,d", "b", "", None),
    ] {
        let left = file(header, all.iter().map(|p| line(zero, p)));
        let found = Files::new(&left, &ledger(&all)).suggest();
        let amount = &rules_of(&found)["columns"]["amount"];
        assert_eq!(amount["left_debit"], json!(debit), "{header}: {amount}");
        assert_eq!(amount.get("negate").and_then(|side| side.as_str()), negate, "{header}");
        assert_eq!(matched(&found), 200, "{header}");
    }
}

#[test]
fn amounts_alone_are_matched_without_dates() {
    let all = payments(100, 7);
    let left = file("amount,note", all.iter().map(|p| format!("{},-", p.amount())));
    let right = file("betrag,note", all.iter().rev().map(|p| format!("{},-", p.amount())));
    let found = Files::new(&left, &right).suggest();
    assert_eq!(rules_of(&found)["passes"][0]["equal"], json!(["amount"]));
    assert_eq!(matched(&found), 100);
}

#[test]
fn a_balance_is_not_taken_for_the_amounts() {
    let all = payments(150, 8);
    let mut balance = 1_000_000;
    let line = |p: &Payment| {
        balance += p.cents;
        format!("{},{},{},{}", p.iso(0), text(balance, '.'), p.amount(), p.name)
    };
    let left = file("date,balance,value,name", all.iter().map(line));
    let found = Files::new(&left, &ledger(&all)).suggest();
    assert_eq!(rules_of(&found)["columns"]["amount"]["left"], json!("value"));
}

#[test]
fn rounding_is_measured() {
    let all = payments(300, 9);
    let mut rounded = all.clone();
    rounded.iter_mut().step_by(10).for_each(|payment| payment.cents += 2);
    let found = Files::new(&bank(&all), &ledger(&rounded)).suggest();
    let within: Vec<_> =
        rules_of(&found)["passes"].as_array().unwrap().iter().map(|pass| &pass["within"][0]).collect();
    assert!(within.contains(&&json!({"column": "amount", "absolute": "0.02"})), "{within:?}");
    assert_eq!(matched(&found), 300);
}

#[test]
fn an_order_of_dates_that_one_file_leaves_open_is_told_by_the_other() {
    let mut all = payments(200, 10);
    // Days up to the twelfth fit both orders.
    all.retain(|payment| payment.dotted(0)[..2].parse::<u8>().unwrap() <= 12);
    all.iter_mut().for_each(|payment| payment.lag = 0);
    let us = |p: &Payment| {
        let iso = p.iso(0);
        format!("{}/{}/{},{},{}", &iso[5..7], &iso[8..], &iso[..4], p.amount(), p.name)
    };
    let left = file("date,amount,name", all.iter().map(us));
    let found = Files::new(&left, &ledger(&all)).suggest();
    assert_eq!(rules_of(&found)["left"]["date_order"], json!("mdy"));
    assert_eq!(matched(&found), u64::try_from(all.len()).unwrap());
}

#[test]
fn references_match_lists_without_amounts() {
    let all = payments(150, 11);
    let left = file("sku,title", all.iter().map(|p| format!("A-{:07},{}", p.number, p.name)));
    let right = file("name,code", all.iter().skip(50).map(|p| format!("{},a{:07}", p.name, p.number)));
    let found = Files::new(&left, &right).suggest();
    let reference = &rules_of(&found)["columns"]["reference"];
    assert_eq!((&reference["left"], &reference["right"]), (&json!("sku"), &json!("code")));
    assert_eq!(matched(&found), 100);
}

#[test]
fn zeros_that_a_spreadsheet_lost_do_not_hide_a_reference() {
    let all = payments(150, 12);
    let left =
        file("ref,amount,date", all.iter().map(|p| format!("{:09},{},{}", p.number, p.amount(), p.iso(0))));
    let found = Files::new(&left, &ledger(&all)).suggest();
    let reference = &rules_of(&found)["columns"]["reference"];
    assert_eq!(reference["left"], json!("ref"));
    assert_eq!(found.expected[0].left_matched, 150, "{reference}");
}

#[test]
fn a_few_clear_rows_are_enough() {
    let files = Files::new(
        "id,amount,booked\n1,2.50,2026-01-05\n2,3.75,2026-01-06\n3,9.99,2026-01-07\n",
        "nr,Betrag,Datum\n7,3.75,2026-01-06\n8,2.50,2026-01-05\n9,1.00,2026-01-07\n",
    );
    let found = files.suggest();
    assert_eq!(matched(&found), 2, "{:?}", asked(&found));
}
