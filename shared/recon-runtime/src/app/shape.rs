//! Requests that no honest client sends, refused before anything reads them.
//!
//! Proxies resolve dot segments and decode slashes, each in its own way. A path that could mean two things is
//! refused instead, so that no request takes another route here than the one in front of it meant.

use axum::extract::Request;
use http::header::HOST;
use http::uri::Authority;
use recon_contract::{Code, Problem};

/// Says what is wrong with a request's path or host. A problem that was already found is passed on.
///
/// # Errors
/// The problem.
pub(super) fn check(request: &mut Request) -> Result<(), Problem> {
    if let Some(problem) = request.extensions_mut().remove::<Problem>() {
        return Err(problem);
    }
    if request.uri().path().split('/').any(|segment| !is_plain(segment)) {
        return Err(Problem::new(
            Code::InvalidParameter,
            "the path has a dot segment, an encoded slash, or characters that no path has",
        ));
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    let one = match (hosts.next(), hosts.next()) {
        (None, _) => true,
        (Some(host), None) => {
            Authority::try_from(host.as_bytes()).is_ok_and(|host| !host.as_str().contains('@'))
        }
        (Some(_), Some(_)) => false,
    };
    if one { Ok(()) } else { Err(Problem::new(Code::InvalidParameter, "the Host header is malformed")) }
}

fn is_plain(segment: &str) -> bool {
    let decoded = percent_decoded(segment);
    decoded.is_some_and(|decoded| {
        let dots = matches!(decoded.as_slice(), b"." | b"..");
        let odd = decoded.iter().any(|byte| byte.is_ascii_control() || matches!(byte, b'/' | b'\\'));
        !dots && !odd && std::str::from_utf8(&decoded).is_ok()
    })
}

/// The bytes of a segment; `None` where a `%` escapes nothing.
fn percent_decoded(segment: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                decoded.push(u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?);
                after
            }
            (b'%', _) => return None,
            (plain, after) => {
                decoded.push(*plain);
                after
            }
        };
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_mean_one_thing_pass() {
        for path in
            ["/", "/health", "/v1/datasets/018f", "/v1//datasets", "/caf%C3%A9", "/a.b/..c", "/%7Euser"]
        {
            assert!(path.split('/').all(is_plain), "{path}");
        }
    }

    #[test]
    fn paths_that_could_mean_two_things_do_not() {
        for path in [
            "/v1/../health",
            "/./health",
            "/%2e%2E/health",
            "/a%2fb",
            "/a%5Cb",
            "/a%00",
            "/%",
            "/%zz",
            "/%ff",
            "/a\\b",
        ] {
            assert!(!path.split('/').all(is_plain), "{path}");
        }
    }
}
