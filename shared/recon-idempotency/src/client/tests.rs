use proptest::prelude::*;

use super::*;
use crate::IdempotencyKey;

const POLICY: RetryPolicy = RetryPolicy {
    attempts_max: 8,
    time_max: Duration::from_secs(60),
    pause_first: Duration::from_millis(100),
    pause_max: Duration::from_secs(1),
};

fn answer(status: u16, code: Option<&str>) -> Seen<'_> {
    Seen::Answer { status, code, retry_after: None }
}

fn after(seen: &Seen<'_>) -> Next {
    Attempts::new(POLICY).next(seen, Instant::now())
}

#[test]
fn what_is_repeated_is_what_the_rules_say() {
    assert!(matches!(after(&Seen::NoAnswer), Next::Again { .. }));
    for status in 100..=599 {
        for code in [None, Some(IN_PROGRESS), Some(REUSED), Some("dataset_not_ready")] {
            let expected = match (status, code) {
                (429 | 502 | 503 | 504, _) | (409, Some(IN_PROGRESS)) => "again",
                (422, Some(REUSED)) => "new key",
                _ => "done",
            };
            let found = match after(&answer(status, code)) {
                Next::Again { .. } => "again",
                Next::NewKey => "new key",
                Next::Done => "done",
                Next::GiveUp => "give up",
            };
            assert_eq!(found, expected, "{status} {code:?}");
        }
    }
    for word in ["429", "502", "503", "504", IN_PROGRESS, REUSED, "`Retry-After`", "network error"] {
        assert!(RULES.contains(word), "{word}");
    }
}

#[test]
fn the_readme_has_the_rules() {
    assert!(include_str!("../../README.md").contains(RULES));
}

#[test]
fn pauses_grow_to_their_limit_and_a_part_of_them_is_left_to_chance() {
    let (mut attempts, now) = (Attempts::new(POLICY), Instant::now());
    for full in [100, 200, 400, 800, 1000, 1000] {
        let Next::Again { after } = attempts.next(&Seen::NoAnswer, now) else { panic!("given up") };
        let full = Duration::from_millis(full);
        assert!(after >= full / 2 && after <= full, "{after:?} of {full:?}");
    }
    let first = || match after(&Seen::NoAnswer) {
        Next::Again { after } => after,
        other => panic!("{other:?}"),
    };
    let pauses: std::collections::HashSet<_> = (0..64).map(|_| first()).collect();
    assert!(pauses.len() > 1, "every client waits the same");
}

#[test]
fn what_the_server_asks_for_is_honoured_and_never_undercut() {
    let asked = |seconds| {
        let retry_after = Some(Duration::from_secs(seconds));
        after(&Seen::Answer { status: 503, code: None, retry_after })
    };
    let Next::Again { after } = asked(7) else { panic!("given up") };
    assert!((7..=8).contains(&after.as_secs()), "{after:?}");
    assert_eq!(asked(60), Next::Again { after: POLICY.time_max }, "at the last moment, not after it");
    assert_eq!(asked(61), Next::GiveUp, "not before, so not at all");
    assert_eq!(asked(u64::MAX), Next::GiveUp);
    assert!(matches!(asked(0), Next::Again { after } if after >= POLICY.pause_first / 2), "no busy loop");
}

#[test]
fn clients_that_are_told_the_same_do_not_come_back_together() {
    let asked = |millis, chance| {
        let (least, spread) = Attempts::new(POLICY).pause(Some(Duration::from_millis(millis)));
        (least + part(spread, chance)).as_millis()
    };
    assert_eq!((asked(1000, 0), asked(1000, u8::MAX)), (1000, 1499));
    assert_eq!(
        (asked(60_000, 0), asked(60_000, u8::MAX)),
        (60_000, 60_999),
        "by no more than the longest pause"
    );
    let told =
        Seen::Answer { status: 409, code: Some(IN_PROGRESS), retry_after: Some(Duration::from_secs(1)) };
    let pauses = (0..64).map(|_| match after(&told) {
        Next::Again { after } => after,
        other => panic!("{other:?}"),
    });
    assert!(pauses.collect::<std::collections::HashSet<_>>().len() > 1);
}

#[test]
fn a_wait_is_read_from_whole_seconds_only() {
    for (line, expected) in [("0", Some(0)), (" 120 ", Some(120)), ("99999999999999999999", Some(u64::MAX))] {
        assert_eq!(retry_after(line), expected.map(Duration::from_secs), "{line}");
    }
    for line in ["", "-1", "+1", "1.5", "Fri, 31 Dec 1999 23:59:59 GMT"] {
        assert_eq!(retry_after(line), None, "{line}");
    }
}

#[test]
fn a_new_key_is_a_token_and_any_key_is_read_back_from_its_header() {
    let (one, two) = (IdempotencyKey::random().unwrap(), IdempotencyKey::random().unwrap());
    assert_ne!(one, two);
    assert_eq!(one.to_header().len(), 36, "a bare token");
    for text in [&b"\"two words\""[..], br#""a \"quote\" and a \\""#, b"bare", one.as_str().as_bytes()] {
        let key = IdempotencyKey::parse(text).unwrap();
        assert_eq!(IdempotencyKey::parse(key.to_header().as_bytes()).unwrap(), key);
    }
}

fn seen() -> impl Strategy<Value = (Option<u16>, Option<&'static str>, Option<u64>, u64)> {
    let status = prop_oneof![2 => Just(429), 2 => Just(503), 2 => Just(409), 1 => 100_u16..600];
    let code = prop_oneof![3 => Just(Some(IN_PROGRESS)), 1 => Just(Some(REUSED)), 1 => Just(None)];
    (prop::option::of(status), code, prop::option::of(0_u64..100), 0_u64..20_000)
}

proptest! {
    #[test]
    fn whatever_is_seen_it_ends_within_its_limits(
        seen in prop::collection::vec(seen(), 50),
        attempts_max in 0_u32..50,
        time_max in 0_u64..200,
    ) {
        let policy = RetryPolicy { attempts_max, time_max: Duration::from_secs(time_max), ..POLICY };
        let (mut attempts, mut now) = (Attempts::new(policy), Instant::now());
        let (mut sent, mut first_failure) = (0, None);
        let ended = seen.into_iter().any(|(status, code, seconds, took)| {
            sent += 1;
            now += Duration::from_millis(took);
            let retry_after = seconds.map(Duration::from_secs);
            let seen = status.map_or(Seen::NoAnswer, |status| Seen::Answer { status, code, retry_after });
            match attempts.next(&seen, now) {
                Next::Again { after } => {
                    let since = *first_failure.get_or_insert(now);
                    now += after;
                    assert!(after >= retry_after.unwrap_or_default() || status.is_none());
                    assert!(now - since <= policy.time_max);
                    false
                }
                Next::Done | Next::NewKey | Next::GiveUp => true,
            }
        });
        prop_assert!(ended);
        prop_assert!(sent <= attempts_max.max(1));
    }
}
