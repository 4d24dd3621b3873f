//! The key that a client sends, and the id of its record.

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The longest key in bytes, after its quotes and escapes are taken off.
pub const KEY_BYTES_MAX: usize = 255;

/// A key that a client chose for one request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(String);

/// Why a request has no usable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is no `Idempotency-Key` line.
    #[error("the request needs an idempotency key")]
    Missing,
    /// There is more than one line, or the line is neither a string of RFC 8941 nor a bare token, or
    /// what it says has no byte or more than [`KEY_BYTES_MAX`].
    #[error("the idempotency key is not one quoted string or token of 1 to 255 bytes")]
    Invalid,
}

impl KeyError {
    /// The stable code for clients.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "idempotency_key_missing",
            Self::Invalid => "idempotency_key_invalid",
        }
    }
}

impl IdempotencyKey {
    /// Reads the key from all values of the header `Idempotency-Key`: there must be exactly one.
    ///
    /// # Errors
    /// [`KeyError::Missing`] without a line, [`KeyError::Invalid`] for two, and for what [`Self::parse`] refuses.
    pub fn from_lines<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, KeyError> {
        let mut lines = lines.into_iter();
        let line = lines.next().ok_or(KeyError::Missing)?;
        if lines.next().is_some() {
            return Err(KeyError::Invalid);
        }
        Self::parse(line)
    }

    /// Reads one header value: a string of RFC 8941 (`"abc"`, without parameters) or a bare token of
    /// `A-Z a-z 0-9 . _ : ~ + / = -`. The two spellings of the same characters are the same key.
    ///
    /// # Errors
    /// [`KeyError::Invalid`].
    pub fn parse(line: &[u8]) -> Result<Self, KeyError> {
        let line = line.trim_ascii();
        let text = match line.strip_prefix(b"\"") {
            Some(quoted) => unquote(quoted)?,
            None if line.iter().all(|byte| is_bare(*byte)) => {
                line.iter().copied().map(char::from).collect::<String>()
            }
            None => return Err(KeyError::Invalid),
        };
        if text.is_empty() || text.len() > KEY_BYTES_MAX {
            return Err(KeyError::Invalid);
        }
        Ok(Self(text))
    }

    /// The key of something that has an id of another form, by a digest of it.
    #[cfg(any(feature = "embedded", feature = "postgres", feature = "memory", feature = "aws"))]
    pub(crate) fn of_digest(digest: &[u8; 32]) -> Self {
        let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        Self(digits.map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)])).collect())
    }

    /// The key without quotes and escapes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(feature = "client")]
impl IdempotencyKey {
    /// A new one, for one request: a random UUID.
    ///
    /// # Errors
    /// Of the operating system's generator.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()))
    }

    /// The value of the header `Idempotency-Key`.
    #[must_use]
    pub fn to_header(&self) -> String {
        if self.0.bytes().all(is_bare) {
            return self.0.clone();
        }
        format!("\"{}\"", self.0.replace('\\', "\\\\").replace('"', "\\\""))
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'~' | b'+' | b'/' | b'=' | b'-')
}

/// What stands between the opening quote, which is already taken off, and the closing one.
fn unquote(quoted: &[u8]) -> Result<String, KeyError> {
    let inner = quoted.strip_suffix(b"\"").ok_or(KeyError::Invalid)?;
    let mut text = String::new();
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(escaped @ (b'"' | b'\\')) => text.push(char::from(*escaped)),
                _ => return Err(KeyError::Invalid),
            },
            b'"' => return Err(KeyError::Invalid),
            0x20..=0x7e => text.push(char::from(*byte)),
            _ => return Err(KeyError::Invalid),
        }
    }
    Ok(text)
}

/// Who may use a key: the same text from another principal or in another workspace is another key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The tenant.
    pub workspace: Uuid,
    /// The stable id of the user or API key that calls; never a session token, which a new sign-in changes.
    pub principal: Uuid,
}

/// The primary key of a record: a SHA-256 of workspace, principal and key, each with its length before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RecordId([u8; 32]);

impl RecordId {
    /// The id of the record of a key in its scope. Reading and writing both go through here.
    #[must_use]
    pub fn of(scope: &Scope, key: &IdempotencyKey) -> Self {
        let mut hasher = Sha256::new_with_prefix(b"idempotency record\0");
        put(&mut hasher, scope.workspace.as_bytes());
        put(&mut hasher, scope.principal.as_bytes());
        put(&mut hasher, key.as_str().as_bytes());
        Self(hasher.finalize().into())
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordId(")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// Hashes a part after its length, so that no two lists of parts give the same stream of bytes.
pub(crate) fn put(hasher: &mut Sha256, part: &[u8]) {
    hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
    hasher.update(part);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<&str, KeyError>) {
        let parsed = IdempotencyKey::parse(line.as_bytes());
        assert_eq!(parsed.as_ref().map(IdempotencyKey::as_str).map_err(|error| *error), expected, "{line:?}");
    }

    #[test]
    fn a_key_is_a_string_or_a_bare_token() {
        check("abc", Ok("abc"));
        check("\"abc\"", Ok("abc"));
        check("  \"abc\" ", Ok("abc"));
        check("8e03978e-40d5-43dd-bc93-6894a57f9324", Ok("8e03978e-40d5-43dd-bc93-6894a57f9324"));
        check("A.z_0:9~+/=-", Ok("A.z_0:9~+/=-"));
        check(r#""with \"quotes\", a \\ and spaces""#, Ok(r#"with "quotes", a \ and spaces"#));
        check(&"k".repeat(255), Ok(&"k".repeat(255)));
        check(&format!("\"{}\"", "k".repeat(255)), Ok(&"k".repeat(255)));
    }

    #[test]
    fn what_is_not_a_key_is_invalid() {
        for line in [
            "",
            "\"\"",
            "\"",
            "\"abc",
            "abc\"",
            "a b",
            "a,b",
            "abc;p=1",
            "\"abc\";p=1",
            "\"a\"b\"",
            "ключ",
            "\"é\"",
            r#""\n""#,
            r#""a\""#,
            "\"a\tb\"",
            "\"\u{7f}\"",
            "<>",
        ] {
            check(line, Err(KeyError::Invalid));
        }
        check(&"k".repeat(256), Err(KeyError::Invalid));
        check(&format!("\"{}\"", "k".repeat(256)), Err(KeyError::Invalid));
        assert_eq!(IdempotencyKey::parse(&[0xff, 0xfe]), Err(KeyError::Invalid));
    }

    #[test]
    fn a_request_has_exactly_one_line() {
        let none: [&[u8]; 0] = [];
        assert_eq!(IdempotencyKey::from_lines(none), Err(KeyError::Missing));
        assert_eq!(IdempotencyKey::from_lines([&b"a"[..], b"a"]), Err(KeyError::Invalid));
        assert_eq!(IdempotencyKey::from_lines([&b"a"[..]]).unwrap().as_str(), "a");
        assert_eq!(KeyError::Missing.code(), "idempotency_key_missing");
        assert_eq!(KeyError::Invalid.code(), "idempotency_key_invalid");
    }

    #[test]
    fn fault_14_parts_of_a_record_id_do_not_run_into_each_other() {
        let scope = |workspace, principal| Scope {
            workspace: Uuid::from_u128(workspace),
            principal: Uuid::from_u128(principal),
        };
        let key = |text: &str| IdempotencyKey::parse(text.as_bytes()).unwrap();
        let id = RecordId::of(&scope(1, 2), &key("abc"));
        assert_eq!(id, RecordId::of(&scope(1, 2), &key("\"abc\"")));
        assert_ne!(id, RecordId::of(&scope(2, 1), &key("abc")));
        assert_ne!(id, RecordId::of(&scope(1, 3), &key("abc")));
        assert_ne!(id, RecordId::of(&scope(3, 2), &key("abc")));
        assert_ne!(id, RecordId::of(&scope(1, 2), &key("abd")));
        let digest = |parts: &[&[u8]]| {
            let mut hasher = Sha256::new();
            parts.iter().for_each(|part| put(&mut hasher, part));
            <[u8; 32]>::from(hasher.finalize())
        };
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_ne!(digest(&[b"a", b""]), digest(&[b"", b"a"]));
    }
}
