//! Headers after what stands before them, and the tables that only look as if something did.

use recon_domain::ReadOptions;

use super::{all_rows, open};

/// Delimiter, header line, columns, rows and rejected rows.
fn shape(text: &str) -> (String, u32, Vec<String>, usize, usize) {
    let mut reader = open(text.as_bytes(), &ReadOptions::default()).unwrap();
    let batch = all_rows(&mut reader);
    let dialect = reader.dialect().clone();
    (dialect.delimiter, dialect.header_row, reader.header().to_vec(), batch.len(), batch.rejected.len())
}

fn check(text: &str, delimiter: &str, header_row: u32, first: &str, columns: usize, rows: usize) {
    let (found_delimiter, line, header, found_rows, _) = shape(text);
    let found = (found_delimiter.as_str(), line, header[0].as_str(), header.len(), found_rows);
    assert_eq!(found, (delimiter, header_row, first, columns, rows), "{text}");
}

const TABLE: &str = "Date;Value date;Payee;Reference;Amount\n\
    01.03.2026;01.03.2026;Miller, Ltd;R-1;1,00\n\
    02.03.2026;03.03.2026;Smith;R-2;2,00\n";

#[test]
fn many_lines_before_few_rows_do_not_win_the_width() {
    // Names and values, whose values are of every kind.
    let values = ["DE12 3456", "01.03.2026", "1.234,00", "EUR", "Miller, Ltd", "12"];
    let pairs: String = (0..24).map(|line| format!("Name {line};{}\n", values[line % 6])).collect();
    check(&format!("{pairs}{TABLE}"), ";", 25, "Date", 5, 2);
    check(&format!("{pairs}\n{TABLE}Total;3,00\n"), ";", 26, "Date", 5, 2);
    // All values of one kind, so that the pairs could be a table themselves.
    let numbers: String = (0..24).map(|line| format!("Count {line};{line}\n")).collect();
    check(&format!("Report;March\n{numbers}{TABLE}"), ";", 26, "Date", 5, 2);
    // Sentences of one field, and with commas as many as there are.
    let sentences = "Printed by Miller, Ltd, on 1 March 2026\n".repeat(30);
    check(&format!("{sentences}{TABLE}"), ";", 31, "Date", 5, 2);
    let lines = "A line\n".repeat(30);
    check(&format!("{lines}{TABLE}"), ";", 31, "Date", 5, 2);
}

#[test]
fn one_row_after_many_lines_is_a_table_too() {
    let pairs: String = (0..12).map(|line| format!("Name {line},Value {line}\n")).collect();
    check(&format!("{pairs}date,text,amount\n2026-03-01,rent,1.00\n"), ",", 13, "date", 3, 1);
}

#[test]
fn lines_as_wide_as_the_table_do_not_become_its_header() {
    let text =
        "Bank Ltd, London\nMiller, John\nAccount 1, EUR\ndate,amount\n2026-03-01,1.00\n2026-03-02,2.00\n";
    check(text, ",", 4, "date", 2, 2);
}

#[test]
fn a_two_column_table_beats_sentences_with_commas() {
    let sentences = "Miller, Ltd, London\n".repeat(40);
    check(&format!("{sentences}Date;Amount, EUR\n01.03.2026;1,00\n02.03.2026;2,00\n"), ";", 41, "Date", 2, 2);
}

#[test]
fn ragged_rows_and_footers_do_not_win_the_width() {
    let rows: String = (1..=6).map(|day| format!("0{day}.03.2026;rent;{day},00\n")).collect();
    let table = format!("date;text;amount\n{rows}");
    for (tail, rejected) in [
        ("07.03.2026;one;two;three;four;five;six;7,00\n", 1),
        ("07.03.2026;a;b;7,00\n08.03.2026;a;b;8,00\n", 2),
        ("Printed by;Miller\nPrinted on;09.03.2026\n", 2),
        ("Count;Debit;Credit;Net\n6;0,00;21,00;21,00\n", 2),
    ] {
        let (_, line, header, found, lost) = shape(&format!("{table}{tail}"));
        assert_eq!((line, header.len(), found, lost), (1, 3, 6, rejected), "{tail}");
    }
    // A table of texts, which nothing but its rows tells.
    let rows = "Miller;London;tall\n".repeat(20);
    let (_, line, header, found, lost) = shape(&format!("name;city;note\n{rows}a;b;c;d\na;b;c;d\n"));
    assert_eq!((line, header.len(), found, lost), (1, 3, 20, 2));
}
