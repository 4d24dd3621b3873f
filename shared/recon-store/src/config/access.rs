//! Who this service is to an object store, and under which address clients know that store.

use std::collections::BTreeMap;
use std::fmt;

use super::{ConfigError, OBJECT_URL};

/// The variable that says under which address clients reach signed URLs.
pub const OBJECT_PUBLIC_URL: &str = "OBJECT_PUBLIC_URL";

/// The variables of Amazon's own tools that are read: credentials, web identity, the credentials of containers, the region.
pub const AWS_VARIABLES: &[&str] = &[
    ACCESS_KEY_ID,
    SECRET_ACCESS_KEY,
    "AWS_SESSION_TOKEN",
    WEB_IDENTITY_TOKEN_FILE,
    ROLE_ARN,
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    CONTAINER_RELATIVE_URI,
    CONTAINER_FULL_URI,
    CONTAINER_TOKEN_FILE,
    REGION,
    DEFAULT_REGION,
];

const ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
const SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
const WEB_IDENTITY_TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
const ROLE_ARN: &str = "AWS_ROLE_ARN";
const CONTAINER_RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const CONTAINER_FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const CONTAINER_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const REGION: &str = "AWS_REGION";
const DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";

/// Who this service is to an object store, and under which address clients know that store. Prints no secret.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct ObjectAccess {
    /// The address under which clients reach signed URLs; the store's own where `None`.
    pub public_url: Option<PublicUrl>,
    variables: BTreeMap<&'static str, String>,
}

/// An origin, or an origin with a path that a proxy takes away before the store sees the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl ObjectAccess {
    /// Reads [`AWS_VARIABLES`].
    #[must_use]
    pub fn new(public_url: Option<PublicUrl>, variable: impl Fn(&str) -> Option<String>) -> Self {
        let found = AWS_VARIABLES.iter().filter_map(|name| Some((*name, variable(name)?)));
        Self { public_url, variables: found.collect() }
    }

    /// The variable that says who this service is: keys, a web identity, or what the container's host hands out, in the order
    /// in which Amazon's tools look.
    ///
    /// # Errors
    /// None of them is whole.
    pub fn source(&self) -> Result<&'static str, ConfigError> {
        let is_set = |name| self.variables.contains_key(name);
        let malformed = |problem| Err(ConfigError::Malformed { variable: OBJECT_URL, problem });
        match (is_set(ACCESS_KEY_ID), is_set(SECRET_ACCESS_KEY)) {
            (true, true) => return Ok(ACCESS_KEY_ID),
            (true, false) => {
                return malformed(
                    "names a bucket; AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not",
                );
            }
            (false, true) => {
                return malformed(
                    "names a bucket; AWS_SECRET_ACCESS_KEY is set and AWS_ACCESS_KEY_ID is not",
                );
            }
            (false, false) => {}
        }
        if is_set(WEB_IDENTITY_TOKEN_FILE) && is_set(ROLE_ARN) {
            return Ok(WEB_IDENTITY_TOKEN_FILE);
        }
        if is_set(CONTAINER_RELATIVE_URI) {
            return Ok(CONTAINER_RELATIVE_URI);
        }
        if is_set(CONTAINER_FULL_URI) && is_set(CONTAINER_TOKEN_FILE) {
            return Ok(CONTAINER_FULL_URI);
        }
        malformed(
            "names a bucket, and nothing says who asks: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
             AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or AWS_CONTAINER_CREDENTIALS_FULL_URI and \
             AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        )
    }

    /// The region that the variables name.
    #[cfg(feature = "cluster")]
    pub(super) fn region(&self) -> Option<&str> {
        self.variables.get(REGION).or_else(|| self.variables.get(DEFAULT_REGION)).map(String::as_str)
    }

    /// What the library is told, by its own names.
    #[cfg(feature = "cluster")]
    pub(crate) fn credentials(&self) -> impl Iterator<Item = (String, &str)> {
        let told = self.variables.iter().filter(|(name, _)| ![REGION, DEFAULT_REGION].contains(name));
        told.map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
    }
}

impl PublicUrl {
    /// Parses the value of `OBJECT_PUBLIC_URL`.
    ///
    /// # Errors
    /// Another scheme than http and https, no host, credentials, or something after the path.
    pub fn parse(url: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::Malformed {
            variable: OBJECT_PUBLIC_URL,
            problem: "expected an address such as `https://files.example.com`, or with a path that a proxy takes away",
        };
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).ok_or_else(wrong)?;
        let host = rest.split('/').next().unwrap_or_default();
        let is_odd = |c: char| !c.is_ascii_graphic() || matches!(c, '@' | '?' | '#' | '%' | '"' | '\\');
        if host.is_empty() || host.starts_with(':') || rest.contains(is_odd) {
            return Err(wrong());
        }
        // Clients leave the scheme's own port out of the `Host` that is signed.
        let own = if url.starts_with("https") { ":443" } else { ":80" };
        let scheme = &url[..url.len() - rest.len()];
        let path = rest[host.len()..].trim_end_matches('/');
        Ok(Self(format!("{scheme}{}{path}", host.strip_suffix(own).unwrap_or(host))))
    }

    /// The address, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ObjectAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectAccess")
            .field("public_url", &self.public_url)
            .field("variables", &self.variables.keys())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(set: &[(&str, &str)]) -> ObjectAccess {
        let find =
            |name: &str| set.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
        ObjectAccess::new(None, find)
    }

    #[test]
    fn who_asks_is_said_by_one_whole_set_of_variables() {
        let keys = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
        let identity = [("AWS_WEB_IDENTITY_TOKEN_FILE", "/t"), ("AWS_ROLE_ARN", "r")];
        let pod = [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/t"),
        ];
        assert_eq!(access(&keys).source(), Ok("AWS_ACCESS_KEY_ID"));
        assert_eq!(access(&identity).source(), Ok("AWS_WEB_IDENTITY_TOKEN_FILE"));
        assert_eq!(access(&pod).source(), Ok("AWS_CONTAINER_CREDENTIALS_FULL_URI"));
        assert_eq!(access(&[keys, identity, pod].concat()).source(), Ok("AWS_ACCESS_KEY_ID"));
        for half in [&keys[..1], &keys[1..], &identity[..1], &pod[..1], &[]] {
            let message = access(half).source().unwrap_err().to_string();
            assert!(message.starts_with("OBJECT_URL: names a bucket"), "{message}");
            assert!(message.contains("AWS_") && !message.contains("hunter2"), "{message}");
        }
        assert!(!format!("{:?}", access(&keys)).contains("hunter2"));
    }

    #[test]
    fn a_public_address_is_an_origin_with_or_without_a_path() {
        for (given, kept) in [
            ("https://files.example.com", "https://files.example.com"),
            ("https://files.example.com:443/", "https://files.example.com"),
            ("http://127.0.0.1:9000/objects/", "http://127.0.0.1:9000/objects"),
            ("http://h:80/a/b", "http://h/a/b"),
        ] {
            assert_eq!(PublicUrl::parse(given).unwrap().as_str(), kept);
        }
        for wrong in
            ["", "files.example.com", "s3://b", "https://", "https://u:secret@h", "https://h?a", "http://:1"]
        {
            let message = PublicUrl::parse(wrong).unwrap_err().to_string();
            assert!(message.starts_with("OBJECT_PUBLIC_URL: ") && !message.contains("secret"), "{message}");
        }
    }
}
