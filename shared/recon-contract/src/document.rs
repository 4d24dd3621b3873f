//! A JSON document that is read by hand, so that every fault has its exact place.
//!
//! A [`Node`] is a value together with its JSON pointer and the list that faults go to. What cannot be
//! read becomes `None` and a fault; the reading goes on, so that one answer names all faults.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::str::FromStr;

use recon_domain::{Decimal, UnknownSpelling};
use serde_json::{Map, Value};

use crate::problem::{FieldCode, FieldError, FieldErrors};

/// The most faults of one document that are reported.
const FAULTS_MAX: usize = 100;
/// The most characters of a text from outside that are repeated in a detail, or compared with others.
const QUOTED_CHARS_MAX: usize = 64;

/// Collects the faults of a document.
#[derive(Debug, Default)]
pub(crate) struct Faults(RefCell<Vec<FieldError>>);

impl Faults {
    /// Adds a fault.
    pub(crate) fn push(&self, pointer: &str, code: FieldCode, detail: String) {
        let mut faults = self.0.borrow_mut();
        if faults.len() < FAULTS_MAX {
            faults.push(FieldError::new(pointer, code, detail));
        }
    }

    /// What was read, if there were no faults. Reading without a result records a fault by itself.
    pub(crate) fn settle<T>(self, read: Option<T>) -> Result<T, FieldErrors> {
        let faults = self.0.into_inner();
        match read {
            Some(read) if faults.is_empty() => Ok(read),
            _ => Err(FieldErrors(faults)),
        }
    }
}

/// A value at its place.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub(crate) value: &'a Value,
    pub(crate) pointer: String,
    pub(crate) faults: &'a Faults,
}

/// An object whose keys are known.
#[derive(Debug)]
pub(crate) struct Table<'a> {
    map: &'a Map<String, Value>,
    pub(crate) pointer: String,
    faults: &'a Faults,
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(crate) fn root(value: &'a Value, faults: &'a Faults) -> Self {
        Self { value, pointer: String::new(), faults }
    }

    /// Records a fault at this place.
    pub(crate) fn fault(&self, code: FieldCode, detail: impl Into<String>) {
        self.faults.push(&self.pointer, code, detail.into());
    }

    /// Records a fault at a place below this one.
    pub(crate) fn fault_below(&self, path: &[&str], code: FieldCode, detail: impl Into<String>) {
        let pointer = path.iter().fold(self.pointer.clone(), |pointer, key| child(&pointer, key));
        self.faults.push(&pointer, code, detail.into());
    }

    fn wrong_type(&self, expected: &str) {
        let found = match self.value {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => format!("`{value}`"),
            Value::Number(number) => format!("the number {number}"),
            Value::String(_) => "a text".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            Value::Object(_) => "a table".to_owned(),
        };
        self.fault(FieldCode::WrongType, format!("expected {expected}, found {found}"));
    }

    /// An object with these keys at most.
    pub(crate) fn table(&self, known: &[&str]) -> Option<Table<'a>> {
        let map = self.map()?;
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let hint = suggestion(key, known.iter().copied());
            let hint = hint.unwrap_or_else(|| match known {
                [] => ", none is known here".to_owned(),
                known => format!("; known here: {}", known.join(", ")),
            });
            let detail = format!("unknown field `{}`{hint}", quoted(key));
            self.faults.push(&child(&self.pointer, key), FieldCode::UnknownField, detail);
        }
        Some(Table { map, pointer: self.pointer.clone(), faults: self.faults })
    }

    /// The entries of an object whose keys are free, at most so many.
    pub(crate) fn entries(&self, max: usize) -> Option<Vec<(&'a str, Node<'a>)>> {
        let map = self.map()?;
        if map.len() > max {
            self.fault(FieldCode::TooMany, format!("{} entries, at most {max} are allowed", map.len()));
            return None;
        }
        let entry = |(key, value): (&'a String, &'a Value)| (key.as_str(), self.child(key, value));
        Some(map.iter().map(entry).collect())
    }

    /// The items of a list, at most so many.
    pub(crate) fn list(&self, max: usize) -> Option<Vec<Node<'a>>> {
        let Value::Array(items) = self.value else {
            self.wrong_type("a list");
            return None;
        };
        if items.len() > max {
            self.fault(FieldCode::TooMany, format!("{} items, at most {max} are allowed", items.len()));
            return None;
        }
        Some(items.iter().enumerate().map(|(index, value)| self.child(&index.to_string(), value)).collect())
    }

    /// A text of at most so many bytes.
    pub(crate) fn text(&self, bytes_max: usize) -> Option<&'a str> {
        let Value::String(text) = self.value else {
            self.wrong_type("a text");
            return None;
        };
        if text.len() > bytes_max {
            self.fault(
                FieldCode::TooMany,
                format!("{} bytes long, at most {bytes_max} are allowed", text.len()),
            );
            return None;
        }
        Some(text)
    }

    /// A name: a text of at most so many bytes with something to see in it.
    pub(crate) fn name(&self, bytes_max: usize) -> Option<&'a str> {
        let name = self.text(bytes_max)?;
        if name.trim().is_empty() {
            self.fault(FieldCode::Malformed, "is empty");
            return None;
        }
        if name.chars().any(char::is_control) {
            self.fault(FieldCode::Malformed, "holds control characters");
            return None;
        }
        Some(name)
    }

    /// A word of a closed set.
    pub(crate) fn word<T: FromStr<Err = UnknownSpelling>>(&self) -> Option<T> {
        let unknown = match self.text(usize::MAX)?.parse() {
            Ok(word) => return Some(word),
            Err(unknown) => unknown,
        };
        self.unknown_word(unknown.what, &unknown.given, unknown.known);
        None
    }

    /// Records that a word is not among the known ones.
    pub(crate) fn unknown_word(&self, what: &str, given: &str, known: &[&str]) {
        let hint = suggestion(given, known.iter().copied());
        let hint = hint.unwrap_or_else(|| format!(", expected one of: {}", known.join(", ")));
        self.fault(FieldCode::UnknownWord, format!("unknown {what} `{}`{hint}", quoted(given)));
    }

    /// What a text parses as.
    pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(&self) -> Option<T> {
        let text = self.text(usize::MAX)?;
        text.parse()
            .map_err(|error| self.fault(FieldCode::Malformed, format!("`{}`: {error}", quoted(text))))
            .ok()
    }

    /// A whole number within a range.
    pub(crate) fn integer<T: TryFrom<u64> + std::fmt::Display + PartialOrd>(
        &self,
        range: RangeInclusive<T>,
    ) -> Option<T> {
        let Value::Number(number) = self.value else {
            self.wrong_type("a whole number");
            return None;
        };
        let value = number.as_u64().and_then(|value| T::try_from(value).ok());
        let value = value.filter(|value| range.contains(value));
        if value.is_none() {
            let detail = format!("{number} is not a whole number from {} to {}", range.start(), range.end());
            self.fault(FieldCode::OutOfRange, detail);
        }
        value
    }

    /// A decimal, which stands as a text.
    pub(crate) fn decimal(&self) -> Option<Decimal> {
        if let Value::Number(number) = self.value {
            self.fault(FieldCode::WrongType, format!("a decimal is written as a text: \"{number}\""));
            return None;
        }
        self.parsed()
    }

    fn map(&self) -> Option<&'a Map<String, Value>> {
        let Value::Object(map) = self.value else {
            self.wrong_type("a table");
            return None;
        };
        Some(map)
    }

    fn child(&self, key: &str, value: &'a Value) -> Self {
        Self { value, pointer: child(&self.pointer, key), faults: self.faults }
    }
}

impl<'a> Table<'a> {
    /// Records a fault of the table as a whole.
    pub(crate) fn fault(&self, code: FieldCode, detail: impl Into<String>) {
        self.faults.push(&self.pointer, code, detail.into());
    }

    /// The value of a key; `null` is as if it were absent.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        Some(Node { value, pointer: child(&self.pointer, key), faults: self.faults })
    }

    /// The value of a key that must be there. The fault's place is the table.
    pub(crate) fn required(&self, key: &str) -> Option<Node<'a>> {
        let node = self.get(key);
        if node.is_none() {
            self.fault(FieldCode::Missing, format!("`{key}` is missing"));
        }
        node
    }
}

/// The pointer of a key below a pointer (RFC 6901).
pub(crate) fn child(pointer: &str, key: &str) -> String {
    let mut below = String::with_capacity(pointer.len() + key.len() + 1);
    below.push_str(pointer);
    below.push('/');
    for letter in key.chars() {
        match letter {
            '~' => below.push_str("~0"),
            '/' => below.push_str("~1"),
            _ => below.push(letter),
        }
    }
    below
}

/// A text from outside, cut to what a detail may repeat.
pub(crate) fn quoted(text: &str) -> String {
    let mut cut: String = text.chars().take(QUOTED_CHARS_MAX).collect();
    if cut.len() < text.len() {
        let _ = cut.write_char('…');
    }
    cut
}

/// A name for comparison: its beginning, in lower case.
fn plain(name: &str) -> String {
    name.chars().take(QUOTED_CHARS_MAX).collect::<String>().to_lowercase()
}

/// The name that comes nearest, whatever its distance. Shared beginnings count for more than edits, since
/// headers are abbreviated more often than misspelt.
pub(crate) fn nearest<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let given = plain(given);
    let scored = names.map(|name| (name, strsim::jaro_winkler(&given, &plain(name))));
    // Of equally near names the first.
    scored.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(name, _)| name)
}

/// `, did you mean …?`, if one of the names is so few edits away that it can be meant.
pub(crate) fn suggestion<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let given = plain(given);
    let edits = |name: &str| strsim::osa_distance(&given, &plain(name));
    let name = names.min_by_key(|name| edits(name))?;
    let letters = given.chars().count().max(name.chars().count());
    (edits(name) <= (letters / 3).max(1)).then(|| format!(", did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_escape_as_the_standard_says() {
        assert_eq!(child("/columns", "a/b~c"), "/columns/a~1b~0c");
        assert_eq!(child("", ""), "/");
    }

    #[test]
    fn a_near_name_is_suggested_and_a_far_one_is_not() {
        let known = ["left", "right", "type", "negate"];
        for (given, meant) in [("lefft", Some("left")), ("Right", Some("right")), ("tpye", Some("type"))] {
            let expected = meant.map(|name| format!(", did you mean `{name}`?"));
            assert_eq!(suggestion(given, known.into_iter()), expected, "{given}");
        }
        for given in ["", "amount", "x"] {
            assert_eq!(suggestion(given, known.into_iter()), None, "{given}");
        }
        let header = ["Account", "Amt", "Currency", "amount"];
        for (given, near) in [("Amount", "amount"), ("amt.", "Amt"), ("curr", "Currency"), ("", "Account")] {
            assert_eq!(nearest(given, header.into_iter()), Some(near), "{given}");
        }
        assert_eq!(nearest("amount", std::iter::empty()), None);
    }

    #[test]
    fn a_hostile_document_yields_a_bounded_list_of_bounded_faults() {
        let long = "x".repeat(10_000);
        let items: Vec<Value> = (0..1000).map(|_| Value::String(long.clone())).collect();
        let document = Value::Array(items);
        let faults = Faults::default();
        for item in Node::root(&document, &faults).list(1000).unwrap() {
            assert_eq!(item.decimal(), None);
        }
        let errors = faults.settle(Some(())).unwrap_err();
        assert_eq!(errors.0.len(), FAULTS_MAX);
        assert!(errors.0.iter().all(|error| error.detail.len() < 500));
    }
}
