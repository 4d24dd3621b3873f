//! How long a client is ready to wait for somebody else who has its key.

use std::time::Duration;

/// The longest wait that a client may ask for by `Prefer: wait=n`.
pub const WAIT_MAX: Duration = Duration::from_secs(20);

/// What `Prefer: wait=n` asks for (RFC 7240), in seconds, by all values of that header: at most [`WAIT_MAX`], and no time where nothing
/// asks for any. The first one counts; a wait that is no whole number of seconds is no preference.
#[must_use]
pub fn preferred_wait<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Duration {
    let preferences = lines.into_iter().flat_map(|line| line.split(|byte| *byte == b','));
    let seconds = preferences.filter_map(|preference| {
        let preference = std::str::from_utf8(preference).ok()?;
        let (name, value) = preference.split(';').next()?.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("wait")
            .then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
    });
    seconds.take(1).map(Duration::from_secs).sum::<Duration>().min(WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_from_among_other_preferences_and_bounded() {
        let wait = |lines: &[&str]| preferred_wait(lines.iter().map(|line| line.as_bytes())).as_secs();
        assert_eq!(wait(&["wait=7"]), 7);
        assert_eq!(wait(&["respond-async, WAIT = \"3\" ; foo=bar"]), 3);
        assert_eq!(wait(&["return=minimal", "wait=2, wait=9"]), 2);
        assert_eq!(wait(&["wait=99999999999"]), 20);
        for none in ["", "wait", "wait=", "wait=-1", "wait=1.5", "await=3", "wait=99999999999999999999999"] {
            assert_eq!(wait(&[none]), 0, "{none}");
        }
        assert!(preferred_wait([b"\xff, wait=4".as_slice()]).as_secs() == 4);
    }
}
