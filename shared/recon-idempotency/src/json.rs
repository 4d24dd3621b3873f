//! One spelling for each JSON document, so that the order of fields and the white space don't matter.

use serde::de::IgnoredAny;

/// The deepest nesting that is looked into: what is deeper has no canonical spelling, so that it costs no stack.
const DEPTH_MAX: usize = 128;

/// The document with its objects sorted by field, without white space and with its strings spelled in
/// one way; `None` for what is not JSON. Numbers keep their spelling: reading them as floating point would take two
/// numbers for one. Of repeated fields the order counts.
pub(crate) fn canonical(text: &[u8]) -> Option<Vec<u8>> {
    serde_json::from_str::<IgnoredAny>(std::str::from_utf8(text).ok()?).ok()?;
    let mut reader = Reader { text, at: 0 };
    let mut out = Vec::with_capacity(text.len());
    reader.value(&mut out, DEPTH_MAX)?;
    Some(out)
}

/// Reads a document that is known to be JSON; whatever it doesn't expect ends it with `None`.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, expected: u8) -> Option<()> {
        (self.peek()? == expected).then(|| self.at += 1)
    }

    /// Reads a value which may have `depth` levels.
    fn value(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(out, depth.checked_sub(1)?),
            b'[' => self.array(out, depth.checked_sub(1)?),
            b'"' => {
                let string = self.string()?;
                out.extend_from_slice(&string);
                Some(())
            }
            _ => self.word(out),
        }
    }

    fn object(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        self.take(b'{')?;
        let mut fields = Vec::new();
        while self.peek()? != b'}' {
            if !fields.is_empty() {
                self.take(b',')?;
            }
            self.peek()?;
            let name = self.string()?;
            self.take(b':')?;
            let mut value = Vec::new();
            self.value(&mut value, depth)?;
            fields.push((name, value));
        }
        self.take(b'}')?;
        fields.sort_by(|one, other| one.0.cmp(&other.0));
        out.push(b'{');
        for (name, value) in fields {
            out.extend_from_slice(&name);
            out.push(b':');
            out.extend_from_slice(&value);
            out.push(b',');
        }
        out.push(b'}');
        Some(())
    }

    fn array(&mut self, out: &mut Vec<u8>, depth: usize) -> Option<()> {
        self.take(b'[')?;
        out.push(b'[');
        let mut first = true;
        while self.peek()? != b']' {
            if !std::mem::take(&mut first) {
                self.take(b',')?;
            }
            self.value(out, depth)?;
            out.push(b',');
        }
        self.take(b']')?;
        out.push(b']');
        Some(())
    }

    /// A number, `true`, `false` or `null`, as it is written.
    fn word(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b']' | b'}');
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        out.extend_from_slice(&rest[..length]);
        self.at += length;
        (length > 0).then_some(())
    }

    /// A string in the one spelling that the writer gives it. One that is no text, a lone half of a surrogate pair,
    /// stays as it is written.
    fn string(&mut self) -> Option<Vec<u8>> {
        let rest = self.text.get(self.at..)?;
        let mut escaped = false;
        let closing = |byte: &u8| {
            let closes = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            closes
        };
        let length = rest.get(1..)?.iter().position(closing)? + 2;
        let token = rest.get(..length)?;
        self.at += length;
        let respelled = serde_json::from_slice::<String>(token).and_then(|text| serde_json::to_vec(&text));
        Some(respelled.unwrap_or_else(|_| token.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(text: &str) -> Option<String> {
        canonical(text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn order_of_fields_white_space_and_escapes_do_not_matter() {
        let one = r#"{"b": [1, {"y": null, "x": "\u0041\/"}], "a": -1.50e3}"#;
        let other = "{\"a\":-1.50e3,\r\n\t\"b\":[1,{\"x\":\"A/\",\"y\":null}]}";
        assert!(spelled(one).is_some());
        assert_eq!(spelled(one), spelled(other));
    }

    #[test]
    fn what_means_something_else_is_spelled_otherwise() {
        for (one, other) in [
            ("[1,2]", "[2,1]"),
            ("[[1],2]", "[[1,2]]"),
            ("[]", "[[]]"),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":null}"#, "{}"),
            (r#"{"a":"b,c"}"#, r#"{"a":"b","c":1}"#),
            ("0.1", "0.10000000000000000000001"),
            ("123456789012345678901", "123456789012345678902"),
            (r#"{"a":1,"a":2}"#, r#"{"a":2,"a":1}"#),
        ] {
            assert!(spelled(one).is_some() && spelled(other).is_some());
            assert_ne!(spelled(one), spelled(other), "{one} {other}");
        }
    }

    #[test]
    fn what_is_not_json_has_no_spelling() {
        for text in ["", "{", "[1,]", "{\"a\"}", "nul", "\"\\x\"", "1 2", "{a:1}", "\u{feff}1"] {
            assert_eq!(spelled(text), None, "{text:?}");
        }
        assert_eq!(canonical(b"\"\xff\""), None);
        assert_eq!(spelled(&"[".repeat(100_000)), None);
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(spelled(&nested(DEPTH_MAX)).is_some());
        assert_eq!(spelled(&nested(DEPTH_MAX + 1)), None);
        assert_eq!(spelled(&nested(1_000_000)), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64)) {
            canonical(&bytes);
        }

        #[test]
        fn the_canonical_spelling_depends_on_the_value_alone(
            fields in proptest::collection::btree_map("[a-z\\\\\"é]{0,4}", "\\PC{0,6}", 0..6),
            rotation in 0_usize..6,
        ) {
            let mut written: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", serde_json::json!(name), serde_json::json!(value)))
                .collect();
            let sorted = format!("{{{}}}", written.join(","));
            let turn = rotation % written.len().max(1);
            written.rotate_left(turn);
            let turned = format!("{{ {} }}", written.join(" ,\n"));
            proptest::prop_assert!(spelled(&sorted).is_some());
            proptest::prop_assert_eq!(spelled(&sorted), spelled(&turned));
        }
    }
}
