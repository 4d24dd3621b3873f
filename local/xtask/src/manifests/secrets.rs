//! What Secrets hold, which manifests show in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The text that a value is; `None` where it is no base64, or no text. Long values are broken into lines.
pub(crate) fn decode(value: &str) -> Option<String> {
    let joined: String = value.split_ascii_whitespace().collect();
    String::from_utf8(STANDARD.decode(joined).ok()?).ok()
}

/// A text as a Secret has it.
pub(crate) fn encode(text: &str) -> String {
    STANDARD.encode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_lines_is_one_text_and_what_is_no_text_is_none() {
        assert_eq!(decode("YWRk\ncmVzcw==\n").unwrap(), "address");
        assert_eq!(decode(&encode("address")).unwrap(), "address");
        assert_eq!(decode("//4="), None);
        assert_eq!(decode("*"), None);
    }
}
