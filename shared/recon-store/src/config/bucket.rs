//! Buckets of S3-compatible stores.

use std::fmt;

use object_store::path::Path as Name;
use url::Url;

use super::{ConfigError, OBJECT_URL, ObjectAccess};

/// The region of a store that has none, or does not say so.
const REGION_DEFAULT: &str = "us-east-1";

/// A bucket, and the folder in it that is this installation's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketUrl {
    /// The bucket.
    pub bucket: String,
    /// Where its objects lie in the bucket; empty where the whole bucket is this installation's.
    pub prefix: String,
    /// The region.
    pub region: String,
    /// Scheme, host and port of the store; Amazon's own where `None`.
    pub endpoint: Option<String>,
    /// Whether the bucket is named in the path instead of the host.
    pub path_style: bool,
}

impl BucketUrl {
    /// Parses `s3://BUCKET/PREFIX?region=&endpoint=&path_style=`.
    pub(super) fn parse(text: &str, access: &ObjectAccess) -> Result<Self, ConfigError> {
        // What the parser says may repeat the URL.
        let url = Url::parse(text).map_err(|_| wrong("is no URL of the form `s3://BUCKET/PREFIX`"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "takes no credentials; they are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ));
        }
        if url.port().is_some() || url.fragment().is_some() {
            return Err(wrong("takes no port and no `#`; the store's address is the parameter `endpoint`"));
        }
        let bucket = url.host_str().unwrap_or_default();
        let is_of_names = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        if !(3..=63).contains(&bucket.len()) || !bucket.chars().all(is_of_names) {
            return Err(wrong("names no bucket: 3 to 63 letters, digits, dots and hyphens after `s3://`"));
        }
        let prefix = Name::from_url_path(url.path().trim_matches('/'));
        let prefix = prefix.map_err(|_| wrong("names a prefix that objects cannot have"))?;
        let (mut region, mut endpoint, mut path_style) = (None, None, None);
        for (name, value) in url.query_pairs() {
            let is_twice = match name.as_ref() {
                "region" => region.replace(region_of(&value)?).is_some(),
                "endpoint" => endpoint.replace(endpoint_of(&value)?).is_some(),
                "path_style" => path_style.replace(yes_or_no(&value)?).is_some(),
                _ => {
                    return Err(wrong(
                        "takes the parameters `region`, `endpoint` and `path_style`, and no other",
                    ));
                }
            };
            if is_twice {
                return Err(wrong("gives a parameter twice"));
            }
        }
        let region = match region {
            Some(region) => region,
            None => access.region().map_or_else(|| Ok(REGION_DEFAULT.to_owned()), region_of)?,
        };
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_string(),
            region,
            // Amazon names buckets in the host; a store of one's own seldom has a name for each.
            path_style: path_style.unwrap_or(endpoint.is_some()),
            endpoint,
        })
    }

    /// Scheme, host and port to which requests about the bucket go.
    pub(crate) fn origin(&self) -> String {
        let Self { bucket, region, .. } = self;
        match (&self.endpoint, self.path_style) {
            (None, true) => format!("https://s3.{region}.amazonaws.com"),
            (None, false) => format!("https://{bucket}.s3.{region}.amazonaws.com"),
            (Some(endpoint), true) => endpoint.clone(),
            (Some(endpoint), false) => endpoint.replacen("://", &format!("://{bucket}."), 1),
        }
    }

    /// The path of the bucket there.
    pub(crate) fn bucket_path(&self) -> String {
        if self.path_style { format!("/{}", self.bucket) } else { String::new() }
    }

    /// The name that the bucket has for an object.
    pub(crate) fn key(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }

    /// Whether requests go over the wire as they are.
    pub(crate) fn is_plain(&self) -> bool {
        self.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"))
    }
}

impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}?region={}", self.bucket, self.prefix, self.region)?;
        if let Some(endpoint) = &self.endpoint {
            write!(f, "&endpoint={endpoint}")?;
        }
        write!(f, "&path_style={}", self.path_style)
    }
}

fn wrong(problem: &'static str) -> ConfigError {
    ConfigError::Malformed { variable: OBJECT_URL, problem }
}

/// A region stands in hosts and in signatures.
fn region_of(text: &str) -> Result<String, ConfigError> {
    let is_of_regions = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match !text.is_empty() && text.len() <= 64 && text.chars().all(is_of_regions) {
        true => Ok(text.to_owned()),
        false => Err(wrong("names no region such as `eu-central-1`")),
    }
}

fn endpoint_of(text: &str) -> Result<String, ConfigError> {
    const EXPECTED: &str = "expected an `endpoint` such as `https://s3.example.com`, without a path";
    let url = Url::parse(text).map_err(|_| wrong(EXPECTED))?;
    let is_bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !is_bare || !is_anonymous {
        return Err(wrong(EXPECTED));
    }
    Ok(url.origin().ascii_serialization())
}

fn yes_or_no(text: &str) -> Result<bool, ConfigError> {
    text.parse().map_err(|_| wrong("expected `path_style` to be `true` or `false`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<BucketUrl, ConfigError> {
        BucketUrl::parse(url, &ObjectAccess::default())
    }

    #[test]
    fn a_bucket_is_where_its_url_says() {
        for (url, origin, key) in [
            ("s3://books", "https://books.s3.us-east-1.amazonaws.com", "/a"),
            ("s3://books/x/y/?region=eu-central-1", "https://books.s3.eu-central-1.amazonaws.com", "/x/y/a"),
            ("s3://books?path_style=true", "https://s3.us-east-1.amazonaws.com", "/books/a"),
            ("s3://books?endpoint=http://h:9000/", "http://h:9000", "/books/a"),
            ("s3://books?endpoint=https%3A%2F%2Fh%3A443", "https://h", "/books/a"),
            ("s3://books?endpoint=http://h:9000&path_style=false", "http://books.h:9000", "/a"),
        ] {
            let parsed = parse(url).unwrap();
            let place = format!("{}/{}", parsed.bucket_path(), parsed.key("a"));
            assert_eq!((parsed.origin().as_str(), place.as_str()), (origin, key), "{url}");
            assert_eq!(parse(&parsed.to_string()).unwrap(), parsed, "{url}");
        }
    }

    #[test]
    fn the_region_of_the_url_comes_before_that_of_the_environment() {
        let access = ObjectAccess::new(None, |name| (name == "AWS_REGION").then(|| "eu-west-1".to_owned()));
        let region = |url| BucketUrl::parse(url, &access).unwrap().region;
        assert_eq!([region("s3://books"), region("s3://books?region=us-west-2")], ["eu-west-1", "us-west-2"]);
    }

    #[test]
    fn what_is_no_bucket_is_refused_without_a_secret() {
        for url in [
            "s3://",
            "s3:///secret",
            "s3://ab",
            "s3://key:secret@books",
            "s3://books:9000/secret",
            "s3://books#secret",
            "s3://books?secret=secret",
            "s3://books?region=",
            "s3://books?region=a&region=secret",
            "s3://books?region=a/secret",
            "s3://books?endpoint=secret",
            "s3://books?endpoint=ftp://h",
            "s3://books?endpoint=http://u:secret@h",
            "s3://books?endpoint=http://h/secret",
            "s3://books?path_style=secret",
        ] {
            let message = parse(url).unwrap_err().to_string();
            assert!(message.starts_with("OBJECT_URL: ") && !message.contains("secret"), "{url}: {message}");
        }
    }
}
