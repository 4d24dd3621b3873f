//! Events that nobody thought of: each gets an answer, and none reaches another route than its path says.

use axum::Router;
use axum::extract::MatchedPath;
use axum::routing::{MethodFilter, on};
use proptest::prelude::*;
use recon_contract::route::{self, Method, Route};
use serde_json::{Value, json};

use super::world::World;
use crate::app;
use crate::lambda::respond;

/// Every route of the table, answering which one it is.
fn routes() -> Router {
    route::ALL.iter().fold(Router::new(), |router, route| {
        let filter = match route.method {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Put => MethodFilter::PUT,
            Method::Patch => MethodFilter::PATCH,
            Method::Delete => MethodFilter::DELETE,
        };
        let tell = move |path: MatchedPath| async move { format!("{} {}", route.method, path.as_str()) };
        router.route(route.path, on(filter, tell))
    })
}

/// The route of a request as a load balancer's rules choose it: segment by segment, and nothing resolved or decoded.
fn wanted(method: &str, path: &str) -> Option<&'static Route> {
    let fits = |route: &&Route| {
        let (template, path) = (route.path.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template.zip(path).all(|(part, segment)| {
                if part.starts_with('{') { !segment.is_empty() } else { part == segment }
            })
    };
    let method = if method == "HEAD" { "GET" } else { method };
    route::ALL.iter().filter(|route| route.method.as_str() == method).find(fits)
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((".{0,8}", inner), 0..3)
                .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// A path that looks like one of ours, with what proxies and routers quarrel about in it.
fn path() -> impl Strategy<Value = String> {
    let words = vec![
        "v1",
        "sessions",
        "current",
        "datasets",
        "reconciliations",
        "matches",
        "content",
        "complete",
        "cancel",
        "health",
        "openapi.json",
        "0190b1a2-0000-7000-8000-000000000000",
    ];
    let odd = vec![
        "",
        ".",
        "..",
        "%2e%2e",
        "%2E.",
        "%2f",
        "..%2fhealth",
        "%",
        "%zz",
        "%00",
        "\\",
        "?a=b",
        "#f",
        "{id}",
        "é",
        "a b",
    ];
    let segment = prop_oneof![
        8 => prop::sample::select(words).prop_map(str::to_owned),
        2 => prop::sample::select(odd).prop_map(str::to_owned),
        1 => ".{0,6}",
    ];
    prop_oneof![
        9 => prop::collection::vec(segment, 1..6).prop_map(|segments| format!("/{}", segments.join("/"))),
        3 => prop::sample::select(route::ALL).prop_map(|route| route.path.replace("{id}", "7")),
        1 => ".{0,12}",
    ]
}

fn map() -> impl Strategy<Value = Value> {
    let names = prop_oneof![
        prop::sample::select(vec![
            "host",
            "x-forwarded-for",
            "x-forwarded-proto",
            "cookie",
            "content-length",
            "transfer-encoding"
        ])
        .prop_map(str::to_owned),
        ".{0,8}",
    ];
    let values = prop_oneof![
        "[ -~]{0,12}".prop_map(Value::from),
        prop::collection::vec(".{0,8}", 0..3).prop_map(Value::from),
        any_json(),
    ];
    prop::collection::vec((names, values), 0..4)
        .prop_map(|fields| fields.into_iter().collect::<serde_json::Map<_, _>>().into())
}

fn event() -> impl Strategy<Value = Value> {
    let method = prop_oneof![
        8 => prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]).prop_map(str::to_owned),
        1 => ".{0,6}",
    ];
    let base64 = prop_oneof![Just(json!(true)), Just(json!(false)), any_json()];
    let body = prop_oneof![Just(json!("")), Just(json!("aGk=")), ".{0,12}".prop_map(Value::from), any_json()];
    (method, path(), map(), map(), body, base64, 0..3_u8).prop_map(|(method, path, query, headers, body, base64, dialect)| {
        match dialect {
            0 => json!({"httpMethod": method, "path": path, "queryStringParameters": query, "headers": headers,
                "body": body, "isBase64Encoded": base64}),
            1 => json!({"httpMethod": method, "path": path, "multiValueQueryStringParameters": query,
                "multiValueHeaders": headers, "body": body, "isBase64Encoded": base64}),
            _ => json!({"version": "2.0", "rawPath": path, "rawQueryString": "a=b", "headers": headers, "body": body,
                "isBase64Encoded": base64, "requestContext": {"http": {"method": method, "sourceIp": "192.0.2.7"}}}),
        }
    })
}

#[test]
fn any_event_gets_an_answer_and_none_another_route_than_its_path_says() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = World::empty();
    let router = app(routes(), &world.platform);
    let events = prop_oneof![9 => event(), 1 => any_json()];
    let config = ProptestConfig { cases: 2_000, ..ProptestConfig::default() };
    proptest!(config, |(event in events)| {
        let answer = runtime.block_on(respond(router.clone(), &event));
        let status = answer["statusCode"].as_u64().unwrap();
        prop_assert!((200..500).contains(&status), "{event} got {answer}");
        let (method, path) = match event["version"].as_str() {
            Some(_) => (&event["requestContext"]["http"]["method"], &event["rawPath"]),
            None => (&event["httpMethod"], &event["path"]),
        };
        if status == 200 {
            let (method, path) = (method.as_str().unwrap(), path.as_str().unwrap());
            let wanted = wanted(method, path).map(|route| format!("{} {}", route.method, route.path));
            let reached = answer["body"].as_str().unwrap().to_owned();
            // A HEAD has no body to tell by; the load balancer has no rule for it that another route could take.
            prop_assert!(method == "HEAD" || Some(reached) == wanted, "{event} got {answer}");
        }
    });
}
