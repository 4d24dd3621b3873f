//! Read options as a document: what a client may say about a file.

use recon_domain::{DateOrder, ReadOptions};
use serde_json::{Value, json};

use crate::document::{Node, Table, quoted};
use crate::problem::{FieldCode, FieldErrors};
use crate::request;

/// The latest line that may hold the header.
pub const HEADER_ROW_MAX: u32 = 1000;
/// The most texts that may stand for an empty cell.
pub const NULL_VALUES_MAX: usize = 100;

pub(crate) const TEXT_BYTES_MAX: usize = 256;
pub(crate) const THOUSANDS_MARKS: [char; 7] = ['.', ',', ' ', '\'', '\u{2019}', '\u{a0}', '\u{202f}'];
pub(crate) const FIELDS: [&str; 10] = [
    "delimiter",
    "quote",
    "encoding",
    "header_row",
    "decimal_mark",
    "thousands_mark",
    "date_order",
    "currency",
    "sheet",
    "null_values",
];

/// The options that only matter where a file is read. The others also decide what its cells mean. A `sheet` is
/// refused everywhere as yet.
pub(crate) const READING: [&str; 5] = ["delimiter", "quote", "encoding", "header_row", "null_values"];

/// Reads options from their document.
///
/// # Errors
/// Every fault, at its place.
pub fn from_json(document: &Value) -> Result<ReadOptions, FieldErrors> {
    request::read(document, read)
}

/// Writes options as their document: every field, `null` where it is to be detected.
#[must_use]
pub fn to_json(options: &ReadOptions) -> Value {
    let byte = |byte: Option<u8>| byte.map(|byte| char::from(byte).to_string());
    json!({
        "delimiter": byte(options.delimiter),
        "quote": byte(options.quote),
        "encoding": options.encoding,
        "header_row": options.header_row,
        "decimal_mark": options.decimal_mark,
        "thousands_mark": options.thousands_mark,
        "date_order": options.date_order.map(DateOrder::as_str),
        "currency": options.currency.map(|currency| currency.to_string()),
        "sheet": options.sheet,
        "null_values": options.null_values,
    })
}

/// Reads options at a place of a larger document.
pub(crate) fn read(node: &Node<'_>) -> Option<ReadOptions> {
    let table = node.table(&FIELDS)?;
    if let Some(sheet) = table.get("sheet") {
        sheet.fault(FieldCode::NotSupportedYet, "workbooks are not read yet");
    }
    let options = ReadOptions {
        delimiter: table.get("delimiter").and_then(|node| separator(&node)),
        quote: table.get("quote").and_then(|node| separator(&node)),
        encoding: table.get("encoding").and_then(|node| node.name(TEXT_BYTES_MAX)).map(str::to_owned),
        header_row: table.get("header_row").and_then(|node| node.integer(0..=HEADER_ROW_MAX)),
        decimal_mark: table.get("decimal_mark").and_then(|node| mark(&node, &['.', ','])),
        thousands_mark: table.get("thousands_mark").and_then(|node| mark(&node, &THOUSANDS_MARKS)),
        date_order: table.get("date_order").and_then(|node| node.word()),
        currency: table.get("currency").and_then(|node| node.parsed()),
        sheet: None,
        null_values: null_values(&table),
    };
    if options.delimiter.is_some() && options.delimiter == options.quote {
        table.fault(FieldCode::Conflict, "`delimiter` and `quote` are the same");
    }
    if options.decimal_mark.is_some() && options.decimal_mark == options.thousands_mark {
        table.fault(FieldCode::Conflict, "`decimal_mark` and `thousands_mark` are the same");
    }
    Some(options)
}

/// A byte that can stand between or around fields.
fn separator(node: &Node<'_>) -> Option<u8> {
    let text = node.text(TEXT_BYTES_MAX)?;
    match text.as_bytes() {
        [byte] if *byte == b'\t' || *byte == b' ' || byte.is_ascii_punctuation() => Some(*byte),
        _ => {
            let detail = format!("`{}` is not one punctuation mark, blank or tab", quoted(text));
            node.fault(FieldCode::Malformed, detail);
            None
        }
    }
}

fn mark(node: &Node<'_>, known: &[char]) -> Option<char> {
    let text = node.text(TEXT_BYTES_MAX)?;
    let mut letters = text.chars();
    let mark = letters.next().filter(|letter| letters.next().is_none() && known.contains(letter));
    if mark.is_none() {
        let known: Vec<String> = known.iter().map(|mark| format!("`{mark}`")).collect();
        let detail = format!("`{}` is not one of the marks {}", quoted(text), known.join(" "));
        node.fault(FieldCode::UnknownWord, detail);
    }
    mark
}

fn null_values(table: &Table<'_>) -> Vec<String> {
    let items = table.get("null_values").and_then(|node| node.list(NULL_VALUES_MAX)).unwrap_or_default();
    items.iter().filter_map(|item| item.text(TEXT_BYTES_MAX)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_read_back_as_they_were_written() {
        let full = json!({
            "delimiter": ";", "quote": "\"", "encoding": "windows-1252", "header_row": 3, "decimal_mark": ",",
            "thousands_mark": ".", "date_order": "dmy", "currency": "EUR", "sheet": null, "null_values": ["N/A", "-"],
        });
        let options = from_json(&full).unwrap();
        assert_eq!(options.delimiter, Some(b';'));
        assert_eq!(to_json(&options), full);
        for document in [json!({}), to_json(&ReadOptions::default())] {
            assert_eq!(from_json(&document).unwrap(), ReadOptions::default());
        }
    }

    #[test]
    fn every_fault_names_its_place() {
        let check = |document: Value, expected: &[(&str, FieldCode)]| {
            let errors = from_json(&document).unwrap_err().0;
            let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.code)).collect();
            assert_eq!(found, expected, "{document}");
        };
        check(json!([]), &[("", FieldCode::WrongType)]);
        check(json!({"delimeter": ";"}), &[("/delimeter", FieldCode::UnknownField)]);
        for delimiter in ["", ";;", "a", "ä", "\n"] {
            check(json!({"delimiter": delimiter}), &[("/delimiter", FieldCode::Malformed)]);
        }
        check(json!({"delimiter": "|", "quote": "|"}), &[("", FieldCode::Conflict)]);
        check(json!({"encoding": ""}), &[("/encoding", FieldCode::Malformed)]);
        check(json!({"header_row": 1001}), &[("/header_row", FieldCode::OutOfRange)]);
        check(json!({"header_row": "1"}), &[("/header_row", FieldCode::WrongType)]);
        check(json!({"decimal_mark": ";"}), &[("/decimal_mark", FieldCode::UnknownWord)]);
        check(json!({"decimal_mark": ",,"}), &[("/decimal_mark", FieldCode::UnknownWord)]);
        check(json!({"decimal_mark": ",", "thousands_mark": ","}), &[("", FieldCode::Conflict)]);
        check(json!({"date_order": "dym"}), &[("/date_order", FieldCode::UnknownWord)]);
        check(json!({"currency": "EURO"}), &[("/currency", FieldCode::Malformed)]);
        check(json!({"sheet": "May"}), &[("/sheet", FieldCode::NotSupportedYet)]);
        check(json!({"null_values": [1]}), &[("/null_values/0", FieldCode::WrongType)]);
        check(json!({"null_values": vec![""; 101]}), &[("/null_values", FieldCode::TooMany)]);
        check(json!({"null_values": ["x".repeat(257)]}), &[("/null_values/0", FieldCode::TooMany)]);
    }
}
