//! Addresses that let whoever has them do one thing with one object, for a while: Amazon's signature, version 4, in the
//! query ([source](https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html)).
//!
//! The library's own signs no header but the host. An upload's address also binds `If-None-Match: *`, with which a store
//! takes the first whole upload and refuses every later one: what was uploaded stays what it is.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use object_store::aws::AwsCredential;
use recon_domain::Instant;
use sha2::{Digest as _, Sha256};

use super::hex;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Where a bucket is, as clients know it and as its store sees it.
pub(super) struct Place<'a> {
    /// Scheme, host and port as clients know them, with the path that a proxy takes away.
    pub(super) address: &'a str,
    /// The path of the bucket on its host: none where the host is the bucket's own.
    pub(super) bucket_path: String,
    pub(super) region: &'a str,
}

/// What is allowed.
pub(super) struct Allowed<'a> {
    pub(super) method: &'static str,
    /// The object's name in the bucket, its prefix included.
    pub(super) key: &'a str,
    /// Headers that must be sent, names in lower case.
    pub(super) headers: &'a [(&'static str, &'static str)],
    /// What the store is asked beside.
    pub(super) query: &'a [(&'static str, String)],
    pub(super) lifetime: Duration,
}

/// The address.
pub(super) fn signed(
    credential: &AwsCredential,
    now: Instant,
    place: &Place<'_>,
    what: &Allowed<'_>,
) -> String {
    let time = basic(now);
    let day = &time[..8];
    let scope = format!("{day}/{}/s3/aws4_request", place.region);
    let host = authority(place.address);
    let mut headers = BTreeMap::from([("host", host)]);
    headers.extend(what.headers.iter().copied());
    let names = headers.keys().copied().collect::<Vec<_>>().join(";");

    let mut query: BTreeMap<String, String> = BTreeMap::new();
    let mut ask = |name: &str, value: &str| query.insert(encoded(name, false), encoded(value, false));
    ask("X-Amz-Algorithm", ALGORITHM);
    ask("X-Amz-Credential", &format!("{}/{scope}", credential.key_id));
    ask("X-Amz-Date", &time);
    ask("X-Amz-Expires", &what.lifetime.as_secs().to_string());
    ask("X-Amz-SignedHeaders", &names);
    if let Some(token) = &credential.token {
        ask("X-Amz-Security-Token", token);
    }
    for (name, value) in what.query {
        ask(name, value);
    }
    let query = query.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");

    let path = encoded(&format!("{}/{}", place.bucket_path, what.key), true);
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let request = format!("{}\n{path}\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD", what.method);
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let key = format!("AWS4{}", credential.secret_key);
    let key = [day, place.region, "s3", "aws4_request"]
        .iter()
        .fold(key.into_bytes(), |key, part| authenticated(&key, part));
    let signature = hex(&authenticated(&key, &to_sign));
    format!("{}{path}?{query}&X-Amz-Signature={signature}", place.address.trim_end_matches('/'))
}

/// The host of an address, with its port where that is not the scheme's own.
fn authority(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

fn authenticated(key: &[u8], message: &str) -> Vec<u8> {
    // A key of any length is one, so there is no other way than the first; and nothing is what no store takes for a signature.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(message.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// A time as `20260131T235959Z`.
fn basic(time: Instant) -> String {
    let text = time.to_string();
    let (whole, _) = text.trim_end_matches('Z').split_once('.').unwrap_or((text.trim_end_matches('Z'), ""));
    let digits: String = whole.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    format!("{digits}Z")
}

/// Every byte but letters, digits and `-._~` as `%XX`; a path keeps what divides it.
fn encoded(text: &str, is_path: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            b'/' if is_path => encoded.push('/'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2013-05-24T00:00:00Z, the time of Amazon's own examples.
    const MAY_24: i64 = 1_369_353_600_000_000;

    fn credential() -> AwsCredential {
        AwsCredential {
            key_id: "AKIAIOSFODNN7EXAMPLE".into(),
            secret_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
            token: None,
        }
    }

    #[test]
    fn amazons_own_example_has_amazons_own_signature() {
        let place = Place {
            address: "https://examplebucket.s3.amazonaws.com",
            bucket_path: String::new(),
            region: "us-east-1",
        };
        let what = Allowed {
            method: "GET",
            key: "test.txt",
            headers: &[],
            query: &[],
            lifetime: Duration::from_hours(24),
        };
        let url = signed(&credential(), Instant::from_micros(MAY_24), &place, &what);
        assert_eq!(
            url,
            "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
             &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
             &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }

    /// An upload to a bucket that is a path at this address.
    fn upload(credential: &AwsCredential, address: &str, micros: i64) -> String {
        let place = Place { address, bucket_path: "/books".into(), region: "eu-central-1" };
        let what = Allowed {
            method: "PUT",
            key: "a b/ü",
            headers: &[("if-none-match", "*")],
            query: &[],
            lifetime: Duration::from_mins(1),
        };
        signed(credential, Instant::from_micros(micros), &place, &what)
    }

    #[test]
    fn a_proxys_path_is_in_the_address_and_not_in_what_is_signed() {
        let sign = |address| upload(&credential(), address, MAY_24 + 123_456);
        let (plain, beneath) = (sign("http://h:9000"), sign("http://h:9000/objects/"));
        assert!(plain.starts_with("http://h:9000/books/a%20b/%C3%BC?X-Amz-Algorithm="), "{plain}");
        assert!(plain.contains("&X-Amz-SignedHeaders=host%3Bif-none-match&"), "{plain}");
        assert_eq!(beneath, plain.replacen("h:9000/", "h:9000/objects/", 1));
    }

    #[test]
    fn an_upload_is_signed_as_amazons_own_library_signs_it() {
        let credential = AwsCredential { token: Some("tok/en+=".into()), ..credential() };
        let url = upload(&credential, "http://h:9000", MAY_24);
        // By botocore 1.44.
        let signature = "9da691439a344dba6230cabcd915a1be541c66b02eca5ceb3392d48e8827f3d6";
        assert!(url.ends_with(&format!("&X-Amz-Signature={signature}")), "{url}");
    }
}
