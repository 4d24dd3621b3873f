//! Rules as TOML: to and from the JSON of the same shape.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::problem::{FieldCode, FieldError, FieldErrors};

/// The most bytes of a document that is not part of a request.
const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Reads TOML as the JSON of the same shape. Dates without quotes become texts.
///
/// # Errors
/// The place where the text stops being TOML, by line and column.
pub fn toml_to_json(text: &str) -> Result<Value, FieldErrors> {
    let fault = |code, detail: String| FieldErrors(vec![FieldError::new("", code, detail)]);
    if text.len() > DOCUMENT_BYTES_MAX {
        let detail = format!("{} bytes long, at most {DOCUMENT_BYTES_MAX} are allowed", text.len());
        return Err(fault(FieldCode::TooMany, detail));
    }
    match text.parse::<toml::Table>() {
        Ok(table) => Ok(table_to_json(table)),
        Err(error) => {
            let (line, column) = position(text, error.span().map_or(0, |span| span.start));
            Err(fault(FieldCode::Syntax, format!("line {line}, column {column}: {}", error.message())))
        }
    }
}

/// Line and column of a byte, both counted from 1, columns in characters.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn table_to_json(table: toml::Table) -> Value {
    Value::Object(table.into_iter().map(|(key, value)| (key, to_json(value))).collect())
}

fn to_json(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => Value::from(number),
        // JSON has no infinities; as text they are a fault where a number belongs.
        toml::Value::Float(number) => serde_json::Number::from_f64(number)
            .map_or_else(|| Value::String(number.to_string()), Value::Number),
        toml::Value::Boolean(value) => Value::Bool(value),
        toml::Value::Datetime(moment) => Value::String(moment.to_string()),
        toml::Value::Array(items) => Value::Array(items.into_iter().map(to_json).collect()),
        toml::Value::Table(table) => table_to_json(table),
    }
}

/// Writes rules as TOML the way a person would: columns, calendars and passes under headings, one line a
/// field. What is `null` is left out. Anything but an object is written as nothing.
#[must_use]
pub fn to_toml(document: &Value) -> String {
    let mut out = String::new();
    let Value::Object(fields) = document else { return out };
    write_fields(&mut out, fields.iter().filter(|(_, value)| !is_section(value)));
    for (key, value) in fields {
        write_section(&mut out, &bare_or_quoted(key), value);
    }
    out.trim_start_matches('\n').to_owned()
}

/// Whether a value of the document gets headings of its own.
fn is_section(value: &Value) -> bool {
    value.is_object() || is_tables(value)
}

fn is_tables(value: &Value) -> bool {
    value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(Value::is_object))
}

fn write_section(out: &mut String, key: &str, value: &Value) {
    match value {
        Value::Object(fields) if !fields.is_empty() && fields.values().all(Value::is_object) => {
            for (name, inner) in fields.iter().filter_map(|(name, inner)| Some((name, inner.as_object()?))) {
                write_heading(out, &format!("[{key}.{}]", bare_or_quoted(name)), inner);
            }
        }
        Value::Object(fields) => write_heading(out, &format!("[{key}]"), fields),
        Value::Array(items) if is_tables(value) => {
            for fields in items.iter().filter_map(Value::as_object) {
                write_heading(out, &format!("[[{key}]]"), fields);
            }
        }
        _ => {}
    }
}

fn write_heading(out: &mut String, heading: &str, fields: &Map<String, Value>) {
    let _ = writeln!(out, "\n{heading}");
    write_fields(out, fields.iter());
}

fn write_fields<'a>(out: &mut String, fields: impl Iterator<Item = (&'a String, &'a Value)>) {
    for (key, value) in fields.filter(|(_, value)| !value.is_null()) {
        let _ = write!(out, "{} = ", bare_or_quoted(key));
        match value {
            Value::Array(items) if items.len() > 1 && is_tables(value) => {
                out.push_str("[\n");
                for item in items {
                    out.push_str("  ");
                    write_inline(out, item);
                    out.push_str(",\n");
                }
                out.push(']');
            }
            _ => write_inline(out, value),
        }
        out.push('\n');
    }
}

fn write_inline(out: &mut String, value: &Value) {
    match value {
        // A list keeps its length; there is nothing in TOML that says null.
        Value::Null => out.push_str("\"\""),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) => out.push_str(&basic_string(text)),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_inline(out, item);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push_str("{ ");
            for (index, (key, value)) in fields.iter().filter(|(_, value)| !value.is_null()).enumerate() {
                let _ = write!(out, "{}{} = ", if index == 0 { "" } else { ", " }, bare_or_quoted(key));
                write_inline(out, value);
            }
            out.push_str(" }");
        }
    }
}

fn bare_or_quoted(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(bare) { key.to_owned() } else { basic_string(key) }
}

/// A text between quotes; without escapes where a pattern would need many.
fn basic_string(text: &str) -> String {
    let literal = |letter: char| letter != '\'' && !letter.is_control();
    if text.contains(['\\', '"']) && text.chars().all(literal) {
        return format!("'{text}'");
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            plain => out.push(plain),
        }
    }
    out.push('"');
    out
}
