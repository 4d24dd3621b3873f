//! The script against the pure function, on a real server.

use ::redis::{Client, Script};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::DECIDE;
use crate::transition::{Decision, Event, Proof, Record, SeedOf, Standing, State, decide};
use crate::{ClaimToken, Fingerprint, StoreTime};

/// Reads a record, an event and a clock from its arguments, and gives what was decided as text.
const ASK: &str = "
local record
if ARGV[1] == 'record' then
    record = { fingerprint = ARGV[2], fence = tonumber(ARGV[3]), claim_token = ARGV[4], state = ARGV[5],
        lease_until = tonumber(ARGV[6]), expires_at = tonumber(ARGV[7]) }
end
local event = { kind = ARGV[8], fingerprint = ARGV[9], fence = tonumber(ARGV[10]), claim_token = ARGV[11] }
local decided = decide(record, event, tonumber(ARGV[12]))
return { decided.decision, string.format('%.0f', decided.fence or 0), decided.seed or '', decided.standing or '',
    string.format('%.0f', decided.retry_after or 0) }";

/// Points in time around the one at which everything is decided, so that each comparison has both sides and the edge.
const NOW: i64 = 1_790_000_000_000_000;

fn time() -> impl Strategy<Value = StoreTime> {
    let near = prop_oneof![-2i64..=2, -7_000_000i64..=7_000_000, Just(86_400_000_000), Just(-86_400_000_000)];
    near.prop_map(|offset| StoreTime::from_micros(NOW + offset))
}

fn fingerprint() -> impl Strategy<Value = Fingerprint> {
    (0u8..2).prop_map(|byte| Fingerprint::from_bytes([byte; 32]))
}

fn claim_token() -> impl Strategy<Value = ClaimToken> {
    (0u8..2).prop_map(|byte| ClaimToken::from_bytes([byte; 16]))
}

fn state() -> impl Strategy<Value = State> {
    prop_oneof![Just(State::Completed), time().prop_map(|lease_until| State::InProgress { lease_until })]
}

fn record() -> impl Strategy<Value = Option<Record>> {
    let record = (fingerprint(), 1u64..4, claim_token(), state(), time());
    prop::option::weighted(
        0.9,
        record.prop_map(|(fingerprint, fence, claim_token, state, expires_at)| Record {
            fingerprint,
            fence,
            claim_token,
            state,
            expires_at,
        }),
    )
}

fn event() -> impl Strategy<Value = Event> {
    let proof = || {
        (fingerprint(), 1u64..4, claim_token()).prop_map(|(fingerprint, fence, claim_token)| Proof {
            fingerprint,
            fence,
            claim_token,
        })
    };
    prop_oneof![
        fingerprint().prop_map(Event::Request),
        proof().prop_map(Event::Complete),
        proof().prop_map(Event::Release),
        proof().prop_map(Event::Extend),
    ]
}

/// The decision as the script writes it.
fn words(decision: Decision) -> [String; 5] {
    let (word, fence, seed, standing) = match decision {
        Decision::Run { fence, seed: SeedOf::New } => ("run", fence, "new", None),
        Decision::Run { fence, seed: SeedOf::Record } => ("run", fence, "record", None),
        Decision::Answer(standing) => ("answer", 0, "", Some(standing)),
        Decision::Apply => ("apply", 0, "", None),
        Decision::EndLease => ("end_lease", 0, "", None),
        Decision::Lost(standing) => ("lost", 0, "", standing),
    };
    let (standing, retry_after) = match standing {
        None => ("", 0),
        Some(Standing::Replay) => ("replay", 0),
        Some(Standing::InFlight { retry_after }) => ("in_flight", retry_after.as_micros()),
        Some(Standing::Mismatch) => ("mismatch", 0),
    };
    [word.to_owned(), fence.to_string(), seed.to_owned(), standing.to_owned(), retry_after.to_string()]
}

fn ask(
    connection: &mut ::redis::Connection,
    script: &Script,
    record: Option<&Record>,
    event: &Event,
) -> [String; 5] {
    let mut call = script.prepare_invoke();
    match record {
        None => (0..7).for_each(|_| {
            call.arg("");
        }),
        Some(record) => {
            let (state, lease_until) = match record.state {
                State::InProgress { lease_until } => ("in_progress", lease_until.micros().to_string()),
                State::Completed => ("completed", String::new()),
            };
            call.arg("record").arg(record.fingerprint.as_bytes().as_slice()).arg(record.fence);
            call.arg(record.claim_token.as_bytes().as_slice()).arg(state).arg(lease_until);
            call.arg(record.expires_at.micros());
        }
    }
    match event {
        Event::Request(fingerprint) => {
            call.arg("request").arg(fingerprint.as_bytes().as_slice()).arg("").arg("");
        }
        Event::Complete(proof) | Event::Release(proof) | Event::Extend(proof) => {
            let kind = match event {
                Event::Complete(_) => "complete",
                Event::Release(_) => "release",
                Event::Extend(_) | Event::Request(_) => "extend",
            };
            call.arg(kind).arg(proof.fingerprint.as_bytes().as_slice()).arg(proof.fence);
            call.arg(proof.claim_token.as_bytes().as_slice());
        }
    }
    call.arg(NOW).invoke(connection).unwrap()
}

/// Holds a script against the function over generated records and events; how many differ first is told.
fn compare(decide_lua: &str) -> Result<(), String> {
    let server = recon_testkit::Redis::shared().unwrap();
    let mut connection = Client::open(server.url()).unwrap().get_connection().unwrap();
    let script = Script::new(&[decide_lua, ASK].concat());
    let config =
        Config { cases: 4_000, failure_persistence: None, max_shrink_iters: 500, ..Config::default() };
    let connection = std::cell::RefCell::new(&mut connection);
    TestRunner::new(config)
        .run(&(record(), event()), |(record, event)| {
            let expected = words(decide(record.as_ref(), &event, StoreTime::from_micros(NOW)));
            let found = ask(&mut connection.borrow_mut(), &script, record.as_ref(), &event);
            prop_assert_eq!(found, expected);
            Ok(())
        })
        .map_err(|error| error.to_string())
}

#[test]
fn the_script_decides_as_the_function_does() {
    compare(DECIDE).unwrap();
}

#[test]
fn a_script_that_decides_otherwise_is_found() {
    for (right, wrong) in [
        ("record.expires_at <= now", "record.expires_at < now"),
        ("live.lease_until <= now", "live.lease_until < now"),
        ("record.fence == event.fence and ", ""),
        (" and record.claim_token == event.claim_token", ""),
        ("record.state == 'in_progress' and ", ""),
        ("record.fingerprint ~= fingerprint", "false"),
        ("fence = live.fence + 1", "fence = 1"),
        ("(record and record.fence or 0) + 1", "1"),
        ("seed = 'record'", "seed = 'new'"),
        ("live.fence > 1", "live.fence > 2"),
        ("event.kind == 'release' and ", ""),
        ("RETRY_AFTER_MIN = 1000000", "RETRY_AFTER_MIN = 0"),
        ("RETRY_AFTER_MAX = 5000000", "RETRY_AFTER_MAX = 6000000"),
    ] {
        assert_eq!(DECIDE.matches(right).count(), 1, "{right}");
        compare(&DECIDE.replace(right, wrong)).expect_err(wrong);
    }
}
