//! Lines of exported CSV: comma, double quotes, `\n`.

/// A line that grows field by field in a buffer.
pub(crate) struct Line<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Line<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out, first: true }
    }

    fn separate(&mut self) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
    }

    /// A field that needs no quotes: a number, a date, a word of ours, or nothing.
    #[inline]
    pub(crate) fn plain(&mut self, field: &str) -> &mut Self {
        self.separate();
        self.out.extend_from_slice(field.as_bytes());
        self
    }

    /// A text that people wrote. Spreadsheets would take some of them for formulas: those get an apostrophe
    /// before them.
    #[inline]
    pub(crate) fn text(&mut self, field: &str) -> &mut Self {
        self.separate();
        let bytes = field.as_bytes();
        let apostrophe: &[u8] = if is_formula(field) { b"'" } else { b"" };
        let special =
            memchr::memchr3(b'"', b',', b'\n', bytes).is_some() || memchr::memchr(b'\r', bytes).is_some();
        if !special {
            self.out.extend_from_slice(apostrophe);
            self.out.extend_from_slice(bytes);
            return self;
        }
        self.out.push(b'"');
        self.out.extend_from_slice(apostrophe);
        for byte in bytes {
            if *byte == b'"' {
                self.out.push(b'"');
            }
            self.out.push(*byte);
        }
        self.out.push(b'"');
        self
    }

    pub(crate) fn end(self) {
        self.out.push(b'\n');
    }
}

/// Whether spreadsheets would take a text for a formula.
pub(crate) fn is_formula(text: &str) -> bool {
    matches!(text.as_bytes().first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_never_formulas_while_numbers_stay() {
        for (text, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("+49 30", "'+49 30"),
            ("-x", "'-x"),
            ("@sum", "'@sum"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("=a,b", "\"'=a,b\""),
            ("a=b", "a=b"),
        ] {
            let mut out = Vec::new();
            let mut line = Line::new(&mut out);
            line.plain("-12.50").text(text);
            line.end();
            assert_eq!(String::from_utf8(out).unwrap(), format!("-12.50,{written}\n"), "{text:?}");
        }
    }
}
