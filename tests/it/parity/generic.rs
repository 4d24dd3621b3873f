//! What follows from the route table: the answers to callers who may not, and to requests that are malformed.

use recon_contract::route::{self, Access, Method, Route};
use recon_domain::UserRole;
use recon_testkit::Call;
use serde_json::{Value, json};

use super::Case;
use super::stage::Stage;

/// A well-formed UUID that names nothing.
const MISSING: &str = "0190b1a2-0000-7000-8000-000000000000";

/// A valid body of the route, about things that are not there.
fn body(route: &Route) -> Option<Value> {
    match (route.method, route.path) {
        (Method::Post, "/v1/sessions") => {
            Some(json!({ "email": "nobody@example.com", "password": "not this one" }))
        }
        (Method::Post, "/v1/datasets") => Some(json!({ "name": "d", "format": "csv", "options": {} })),
        (Method::Post, "/v1/datasets/{id}/complete") => Some(json!({ "sha256": null })),
        (Method::Post, "/v1/rules/suggest") => Some(json!({ "left": MISSING, "right": MISSING })),
        (Method::Post, "/v1/reconciliations") => {
            let rules = crate::support::demo_rules();
            Some(json!({ "name": "r", "left": MISSING, "right": MISSING, "rules": rules }))
        }
        (Method::Post, "/v1/reconciliations/{id}/cancel") => Some(json!({})),
        (Method::Post, path) => panic!("{path} needs a body here"),
        _ => None,
    }
}

/// A call of the route that nothing is wrong with, but for what it is about and who sends it.
fn plain(route: &Route) -> Call {
    let query = if *route == route::RECONCILIATION_EXPORT { "?what=breaks" } else { "" };
    let call = Call::new(route.method.as_str(), &(route.path.replace("{id}", MISSING) + query));
    let call = if route.keyed { call.key("generic") } else { call };
    match body(route) {
        Some(body) => call.json(&body),
        None => call,
    }
}

pub(super) fn cases(stage: &Stage) -> Vec<Case> {
    route::ALL.iter().flat_map(|route| of(route, stage)).collect()
}

fn of(route: &Route, stage: &Stage) -> Vec<Case> {
    let token = &stage.approver;
    let mut cases = vec![Case { status: 400, call: plain(route).bearer(token).header("host", "a@b") }];
    let mut add = |status, call| cases.push(Case { status, call });
    match route.access {
        Access::Public if route.method == Method::Post => add(401, plain(route)),
        Access::Public => {}
        Access::Own | Access::Role(_) => add(401, plain(route)),
    }
    match route.access {
        Access::Role(least) if least > UserRole::Viewer => add(403, plain(route).bearer(&stage.viewer)),
        Access::Own if route.method != Method::Get => {
            let cookies = format!("session={token}; __Host-session={token}");
            add(403, plain(route).header("cookie", &cookies).header("origin", "https://elsewhere.example"));
        }
        Access::Public | Access::Own | Access::Role(_) => {}
    }
    let names_datasets = [route::RULE_SUGGEST, route::RECONCILIATION_CREATE].contains(route);
    if route.path.contains("{id}") || names_datasets {
        add(404, plain(route).bearer(token));
    }
    if route.keyed {
        let call = Call::new(route.method.as_str(), &route.path.replace("{id}", MISSING));
        add(400, call.bearer(token).json(&body(route).unwrap()));
    }
    if body(route).is_some() {
        let bare = || {
            let call = Call::new(route.method.as_str(), &route.path.replace("{id}", MISSING)).bearer(token);
            if route.keyed { call.key("generic-body") } else { call }
        };
        let long = " ".repeat(usize::try_from(route.body_bytes_max).unwrap() + 1);
        add(413, bare().header("content-type", "application/json").bytes(long.into_bytes()));
        add(415, bare().header("content-type", "text/plain").bytes(b"{}".to_vec()));
        add(422, bare().json(&json!({ "colour": "red" })));
    }
    cases
}
