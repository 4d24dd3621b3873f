//! The cookie that holds a session's token.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use recon_domain::Instant;

use crate::config::WebConfig;

/// The session cookie: `__Host-session`, which browsers only take over https and for this very host; or `session`
/// where clients reach the service over plain http on its own machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionCookie {
    name: &'static str,
    attributes: &'static str,
}

impl SessionCookie {
    /// The cookie of a service that is reached like this.
    #[must_use]
    pub const fn of(web: &WebConfig) -> Self {
        if web.plain_loopback {
            Self { name: "session", attributes: "Path=/; HttpOnly; SameSite=Lax" }
        } else {
            Self { name: "__Host-session", attributes: "Path=/; Secure; HttpOnly; SameSite=Lax" }
        }
    }

    /// The line that sets it until the session ends.
    #[must_use]
    pub fn line(&self, token: &str, expires_at: Instant) -> Option<HeaderValue> {
        let expires =
            Timestamp::from_microsecond(expires_at.micros()).ok()?.strftime("%a, %d %b %Y %H:%M:%S GMT");
        let line = format!("{}={token}; Expires={expires}; {}", self.name, self.attributes);
        let mut line = HeaderValue::try_from(line).ok()?;
        line.set_sensitive(true);
        Some(line)
    }

    /// The line that takes it back.
    #[must_use]
    pub fn cleared(&self) -> Option<HeaderValue> {
        HeaderValue::try_from(format!("{}=; Max-Age=0; {}", self.name, self.attributes)).ok()
    }

    /// The token in a request's cookies.
    pub(crate) fn token<'h>(&self, headers: &'h HeaderMap) -> Option<&'h str> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.name).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(plain_loopback: bool) -> WebConfig {
        WebConfig { public_url: None, plain_loopback, upload_bytes_max: 1 }
    }

    #[test]
    fn a_cookie_lasts_as_long_as_its_session_and_is_secure_where_that_works() {
        let expires_at = Instant::from_micros(1_772_445_600_000_000);
        for (plain, expected) in [
            (true, "session=t.s; Expires=Mon, 02 Mar 2026 10:00:00 GMT; Path=/; HttpOnly; SameSite=Lax"),
            (
                false,
                "__Host-session=t.s; Expires=Mon, 02 Mar 2026 10:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax",
            ),
        ] {
            let cookie = SessionCookie::of(&web(plain));
            assert_eq!(cookie.line("t.s", expires_at).unwrap(), expected);
            // Browsers take a cookie back only by a line with the same name and attributes.
            let expires = "=t.s; Expires=Mon, 02 Mar 2026 10:00:00 GMT";
            assert_eq!(cookie.cleared().unwrap(), expected.replace(expires, "=; Max-Age=0"));
        }
    }

    #[test]
    fn only_the_cookie_of_the_right_name_counts() {
        let headers = |lines: &[&'static str]| {
            lines.iter().map(|line| (COOKIE, HeaderValue::from_static(line))).collect::<HeaderMap>()
        };
        let cookie = SessionCookie::of(&web(false));
        assert_eq!(cookie.token(&headers(&["a=b; session=forged", "__Host-session=t.s; c=d"])), Some("t.s"));
        assert_eq!(cookie.token(&headers(&["session=forged", "x__Host-session=forged"])), None);
    }
}
