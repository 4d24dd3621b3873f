//! The secret that a caller shows, and what is kept of it.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

const SECRET_BYTES: usize = 32;
/// The length of 32 bytes in base64url without padding.
const SECRET_CHARACTERS: usize = 43;
const TAG_DIGITS: usize = 16;

/// The slot of a user's sessions: 16 random hexadecimal digits, made once with the user and kept for good. It says where
/// to look and nothing else, so it is no secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag([u8; 8]);

/// What a caller shows to be let in, as text `tag.secret`. Only its owner ever has the secret: it can't be printed, it can't be
/// copied, and stores keep its hash.
pub struct SessionToken {
    tag: Tag,
    secret: [u8; SECRET_BYTES],
}

/// The SHA-256 of a token's secret: what a store keeps and looks up by. Nobody is let in with it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

/// The text is no session token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a session token")]
pub struct TokenError;

impl Tag {
    /// A new one from the operating system's generator.
    ///
    /// # Errors
    /// The generator's.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 8];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

impl FromStr for Tag {
    type Err = TokenError;

    /// Reads 16 hexadecimal digits in lower case.
    fn from_str(text: &str) -> Result<Self, TokenError> {
        let digits = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
        if text.len() != TAG_DIGITS || !text.bytes().all(digits) {
            return Err(TokenError);
        }
        u64::from_str_radix(text, 16).map(|number| Self(number.to_be_bytes())).map_err(|_| TokenError)
    }
}

impl SessionToken {
    /// A new token for a user, from the operating system's generator: one in the process would repeat itself after a
    /// snapshot is restored.
    ///
    /// # Errors
    /// The generator's.
    pub fn random(tag: Tag) -> Result<Self, getrandom::Error> {
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        Ok(Self { tag, secret })
    }

    /// Reads `tag.secret`. There is one spelling of each token.
    ///
    /// # Errors
    /// [`TokenError`], which never repeats the text.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let (tag, secret) = text.split_once('.').ok_or(TokenError)?;
        if secret.len() != SECRET_CHARACTERS {
            return Err(TokenError);
        }
        let secret = URL_SAFE_NO_PAD.decode(secret).map_err(|_| TokenError)?;
        Ok(Self { tag: tag.parse()?, secret: secret.try_into().map_err(|_| TokenError)? })
    }

    /// The token as text, to be shown to its owner once.
    #[must_use]
    pub fn expose(&self) -> String {
        format!("{}.{}", self.tag, URL_SAFE_NO_PAD.encode(self.secret))
    }

    /// The slot that it belongs to.
    #[must_use]
    pub const fn tag(&self) -> Tag {
        self.tag
    }

    /// What a store keeps of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.secret).into())
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionToken").field("tag", &self.tag).finish_non_exhaustive()
    }
}

impl TokenHash {
    /// The hash with these bytes, as a store kept them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_as_it_was_written() {
        let token = SessionToken::random(Tag::random().unwrap()).unwrap();
        let text = token.expose();
        assert_eq!(text.len(), 60);
        let read = SessionToken::parse(&text).unwrap();
        assert_eq!((read.tag(), read.hash()), (token.tag(), token.hash()));
        assert_eq!(read.expose(), text);
    }

    #[test]
    fn tokens_and_tags_never_repeat() {
        let tag = Tag::random().unwrap();
        assert_ne!(tag, Tag::random().unwrap());
        assert_ne!(SessionToken::random(tag).unwrap().hash(), SessionToken::random(tag).unwrap().hash());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let secret = "A".repeat(43);
        let tag = "0123456789abcdef";
        assert!(SessionToken::parse(&format!("{tag}.{secret}")).is_ok());
        for text in [
            String::new(),
            ".".to_owned(),
            secret.clone(),
            format!("{tag}{secret}"),
            format!("{}.{secret}", &tag[1..]),
            format!("{tag}0.{secret}"),
            format!("0123456789ABCDEF.{secret}"),
            format!("+123456789abcdef.{secret}"),
            format!("{tag}.{secret}A"),
            format!("{tag}.{secret}="),
            format!("{tag}.{}", &secret[1..]),
            format!("{tag}.{}+", &secret[1..]),
            // The last character carries two bits that must be zero: another spelling of the same bytes.
            format!("{tag}.{}B", &secret[1..]),
            format!("{tag}.{secret}.{secret}"),
            format!(" {tag}.{secret}"),
            format!("é{}.{secret}", &tag[2..]),
        ] {
            assert!(SessionToken::parse(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_prints_the_secret_or_its_hash() {
        let token = SessionToken::random("0123456789abcdef".parse().unwrap()).unwrap();
        assert_eq!(format!("{token:?}"), "SessionToken { tag: Tag(0123456789abcdef), .. }");
        assert_eq!(format!("{:?}", token.hash()), "TokenHash(..)");
        let error = SessionToken::parse("0123456789abcdef.secret").unwrap_err();
        assert!(!format!("{error:?} {error}").contains("secret"));
    }
}
