//! Both worlds, status by status: every route gives each answer that the API's description has for it, and gives it as a
//! server and as a function alike. What differs by design stands in the tables below.
#![expect(
    clippy::unwrap_used,
    reason = "helpers are functions outside of `#[test]`, and a panic is how they fail"
)]

mod generic;
mod neutral;
mod stage;

use std::collections::{BTreeMap, BTreeSet};

use recon_contract::route::{self, Route};
use recon_testkit::{Call, Reply, World, alb};
use serde_json::Value;

use crate::support::Both;

/// Headers that belong to the connection or to this very request.
const HEADERS_BY_DESIGN: &[(&str, &str)] = &[
    ("connection", "of the connection"),
    ("content-length", "a file is sent while it is made, or in one piece"),
    ("date", "a load balancer adds it"),
    ("set-cookie", "`session` on this machine over http, `__Host-session` behind a load balancer"),
    ("transfer-encoding", "of the connection"),
    ("x-request-id", "of the request"),
];

/// A status, the routes whose answer of it no case brings about, and the reason.
type Excuse = (u16, fn(&Route) -> bool, &'static str);

/// Documented answers that these cases do not bring about, with the reason.
const NOT_REACHED: &[Excuse] = &[
    (303, |_| true, "a signed address is for objects in a bucket; `buckets.rs` has it"),
    (
        404,
        |route| route.path.starts_with("/v1/sessions") && route.method == route::Method::Get,
        "no user can be deleted yet",
    ),
    (408, |_| true, "a slow connection reaches a server only; the container's own tests have it"),
    (
        409,
        |route| *route == route::DATASET_CREATE,
        "`idempotency_key_in_progress`: on SQLite claim and effect are one transaction, and nobody sees the half of it",
    ),
    (
        422,
        |route| route.body_bytes_max == 0,
        "`answer_too_large` is a function's own: a server has no such limit",
    ),
    (429, |_| true, "nothing is rate limited yet"),
];

/// A request, and the status that it must get from both.
struct Case {
    status: u16,
    call: Call,
}

/// Statuses by route, as method and path template.
type Statuses = BTreeMap<(&'static str, &'static str), BTreeSet<u16>>;

fn place(route: &Route) -> (&'static str, &'static str) {
    (route.method.as_str(), route.path)
}

/// The statuses below 500 that the API's description has.
fn documented() -> Statuses {
    let text = include_str!("../../shared/recon-contract/openapi.json");
    let document: Value = serde_json::from_str(text).unwrap();
    let of = |route: &Route| -> BTreeSet<u16> {
        let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
        let statuses = operation["responses"].as_object().unwrap().keys();
        statuses.map(|status| status.parse().unwrap()).filter(|status| *status < 500).collect()
    };
    route::ALL.iter().map(|route| (place(route), of(route))).collect()
}

/// One answer, without what is of this very request.
#[derive(Debug, PartialEq)]
struct Told {
    request: String,
    status: u16,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Told {
    /// `workspace` stands in names that cannot be the same twice.
    fn of(call: &Call, reply: &Reply, workspace: &str) -> Self {
        let by_design = |name: &str| HEADERS_BY_DESIGN.iter().any(|(known, _)| *known == name);
        let headers = reply.headers.iter().filter(|(name, _)| !by_design(name));
        Self {
            request: neutral::text(&format!("{} {}", call.method, call.path)),
            status: reply.status,
            headers: headers.map(|(name, value)| (name.clone(), neutral::header(name, value))).collect(),
            body: neutral::text(&String::from_utf8_lossy(&reply.body).replace(workspace, "…")),
        }
    }
}

/// Sends every case to one world. Which routes gave which statuses goes to `reached`.
async fn walk(
    (name, world): (&str, &World),
    workspace: &str,
    cases: Vec<Case>,
    reached: &mut Statuses,
) -> Vec<Told> {
    let mut told = Vec::new();
    for Case { status, call } in cases {
        let reply = world.call(&call).await.unwrap_or_else(|error| panic!("{name}: {error:#}"));
        let body = String::from_utf8_lossy(&reply.body);
        assert_eq!(reply.status, status, "{name}: {} {}: {body:.500}", call.method, call.path);
        let path = call.path.split('?').next().unwrap();
        let route = alb::rule(&call.method, path).unwrap();
        reached.entry(place(route)).or_default().insert(status);
        told.push(Told::of(&call, &reply, workspace));
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_answer_is_given_alike_by_servers_and_functions() {
    let both = Both::start_with(&[("UPLOAD_BYTES_MAX", "1000000")]).await.unwrap();
    let mut reached = Statuses::new();
    let mut first: Option<Vec<Told>> = None;
    for (index, (name, world)) in both.worlds.iter().enumerate() {
        let workspace = format!("parity{index}");
        let stage = stage::Stage::set(&both.folder, world, &workspace).await;
        let mut cases = generic::cases(&stage);
        cases.extend(stage.cases());
        let told = walk((name, world), &workspace, cases, &mut reached).await;
        match &first {
            None => first = Some(told),
            Some(first) => {
                assert_eq!(first.len(), told.len());
                for (server, function) in first.iter().zip(&told) {
                    assert_eq!(server, function, "{name}");
                }
            }
        }
    }
    cover(&reached);
}

/// Fails for a documented answer that no case had; leaves a line for the list of suites.
fn cover(reached: &Statuses) {
    let (mut wanted, mut open) = (0, Vec::new());
    for (place @ (method, path), statuses) in documented() {
        let route = route::ALL.iter().find(|route| self::place(route) == place).unwrap();
        let had = reached.get(&place).cloned().unwrap_or_default();
        for status in statuses {
            if NOT_REACHED.iter().any(|(known, of, _)| *known == status && of(route)) {
                assert!(
                    !had.contains(&status),
                    "{method} {path}: {status} is reached and need not be excused"
                );
                continue;
            }
            wanted += 1;
            if !had.contains(&status) {
                open.push(format!("{method} {path}: {status}"));
            }
        }
    }
    assert!(open.is_empty(), "no case gets these documented answers:\n{}", open.join("\n"));
    let line = format!("parity: {wanted} of {wanted} answers of {} routes, both ways", route::ALL.len());
    std::fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("parity.txt"), line).unwrap();
}
