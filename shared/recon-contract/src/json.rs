//! JSON in which nothing is said twice.
//!
//! JSON leaves open what a repeated field means, and readers differ: some take the first, some the last. Whoever
//! checked such a document may have seen another one than whoever acts on it, so it is refused.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::document::{child, quoted};
use crate::problem::{FieldCode, FieldError};

/// Reads a document.
///
/// # Errors
/// [`FieldCode::Syntax`] for the document as a whole, or [`FieldCode::Duplicate`] at the field that is repeated;
/// line and column stand in the detail.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, FieldError> {
    let repeated = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let root = Place { above: None, step: Step::Root, repeated: &repeated };
    let read = root.deserialize(&mut reader).and_then(|document| reader.end().map(|()| document));
    read.map_err(|error| match repeated.take() {
        Some(pointer) => FieldError::new(pointer, FieldCode::Duplicate, error.to_string()),
        None => FieldError::new("", FieldCode::Syntax, error.to_string()),
    })
}

/// Where in the document the reader is. Its pointer is only written out where it is needed.
#[derive(Clone, Copy)]
struct Place<'a> {
    above: Option<&'a Place<'a>>,
    step: Step<'a>,
    repeated: &'a RefCell<Option<String>>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Item(usize),
}

impl Place<'_> {
    fn below<'b>(&'b self, step: Step<'b>) -> Place<'b> {
        Place { above: Some(self), step, repeated: self.repeated }
    }

    fn pointer(&self) -> String {
        let above = self.above.map(Place::pointer).unwrap_or_default();
        match self.step {
            Step::Root => above,
            Step::Field(name) => child(&above, name),
            Step::Item(index) => child(&above, &index.to_string()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self.below(Step::Item(items.len())))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let place = self.below(Step::Field(&name));
            if map.contains_key(&name) {
                self.repeated.replace(Some(place.pointer()));
                return Err(A::Error::custom(format_args!("the field `{}` is repeated", quoted(&name))));
            }
            let value = fields.next_value_seed(place)?;
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_repeated_field_is_named_by_its_place() {
        for (text, pointer) in [
            (r#"{"a":1,"a":1}"#, "/a"),
            (r#"{"a":1,"\u0061":2}"#, "/a"),
            (r#"[0,{"rules":{"a/b":null,"c":[],"a/b":null}}]"#, "/1/rules/a~1b"),
            (r#"{"x":[{"":0},{"":0,"":1}]}"#, "/x/1/"),
        ] {
            let fault = parse(text.as_bytes()).unwrap_err();
            assert_eq!((fault.pointer.as_str(), fault.code), (pointer, FieldCode::Duplicate), "{text}");
            assert!(fault.detail.contains("is repeated at line 1 column"), "{}", fault.detail);
        }
        let long = "x".repeat(10_000);
        let fault = parse(format!(r#"{{"{long}":1,"{long}":1}}"#).as_bytes()).unwrap_err();
        assert!(fault.detail.len() < 200, "{}", fault.detail);
    }

    #[test]
    fn the_same_field_in_two_tables_is_not_repeated() {
        let text = r#"{"a":{"a":1},"b":[{"a":1},{"a":2}]}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_string(), text);
    }

    #[test]
    fn what_is_not_json_is_a_fault_of_the_whole() {
        for text in ["", "{", "{} {}", "[1,]", "1e999", "\u{feff}{}", &"[".repeat(10_000)] {
            let fault = parse(text.as_bytes()).unwrap_err();
            assert_eq!((fault.pointer.as_str(), fault.code), ("", FieldCode::Syntax), "{text:.20}");
        }
    }

    fn documents() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((".{0,3}", inner), 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_other_document_reads_as_it_always_did(document in documents()) {
            let text = document.to_string();
            prop_assert_eq!(parse(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        }
    }
}
