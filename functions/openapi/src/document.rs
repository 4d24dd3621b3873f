//! Files that are answered as they are.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// The page that shows the contract. `cargo xtask openapi` writes it.
pub(crate) const PAGE: &str = include_str!("docs.html");

/// A file of the build.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) media_type: &'static str,
    pub(crate) text: &'static str,
    /// Changes with the text.
    pub(crate) tag: String,
    /// What a browser may do with it beside showing it: `None` is nothing.
    pub(crate) policy: Option<String>,
}

impl Document {
    pub(crate) fn json(text: &'static str) -> Self {
        Self { media_type: "application/json", text, tag: tag(text), policy: None }
    }

    /// A page that may have the styles and scripts which stand in it, and no others.
    pub(crate) fn html(text: &'static str) -> Self {
        let [styles, scripts] = ["style", "script"].map(|element| sources(text, element));
        let policy = format!(
            "default-src 'none'; style-src {styles}; script-src {scripts}; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        );
        Self { media_type: "text/html; charset=utf-8", text, tag: tag(text), policy: Some(policy) }
    }
}

fn tag(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(text))
}

/// The hashes of what stands in these elements, as a policy lists them.
fn sources(text: &str, element: &str) -> String {
    let (start, end) = (format!("<{element}>"), format!("</{element}>"));
    let inside = text.split(&start).skip(1).filter_map(|rest| rest.split(&end).next());
    let hashes: Vec<String> =
        inside.map(|inside| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(inside)))).collect();
    if hashes.is_empty() { "'none'".to_owned() } else { hashes.join(" ") }
}
