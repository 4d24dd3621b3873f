//! Conditional reads.

use std::convert::Infallible;
use std::fmt::Display;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::header::IF_NONE_MATCH;
use http::request::Parts;

/// What the caller already has, by its `If-None-Match`.
#[derive(Debug, Clone, Default)]
pub struct IfNoneMatch(Vec<String>);

impl IfNoneMatch {
    /// Whether the caller has what this tag, given without its quotes, stands for.
    #[must_use]
    pub fn has(&self, tag: impl Display) -> bool {
        let tag = format!("\"{tag}\"");
        self.0.iter().any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    }

    fn of(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
        Self(lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().to_owned()).collect())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_had_when_it_is_listed_in_any_form() {
        for (line, has) in [
            ("\"7\"", true),
            ("W/\"7\"", true),
            ("\"6\", \"7\"", true),
            ("*", true),
            ("\"6\"", false),
            ("7", false),
        ] {
            let headers = HeaderMap::from_iter([(IF_NONE_MATCH, line.parse().unwrap())]);
            assert_eq!(IfNoneMatch::of(&headers).has(7), has, "{line}");
        }
        assert!(!IfNoneMatch::default().has(7));
    }
}
