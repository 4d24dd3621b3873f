//! Events of a load balancer, in and out.

use axum::Router;
use axum::body::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri};
use recon_contract::{List, Page, route};
use serde_json::{Value, json};

use super::world::World;
use crate::lambda::respond;
use crate::{Answer, ClientAddress, Mount as _, Reply, app};

/// Tells what reached it.
async fn echo(
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    client: Option<axum::Extension<ClientAddress>>,
    body: Bytes,
) -> Answer<Value> {
    let told = json!({
        "method": method.as_str(),
        "uri": uri.to_string(),
        "client": client.map(|client| client.0.0.to_string()),
        "cookies": headers.get_all("cookie").iter().map(|line| line.to_str().unwrap()).collect::<Vec<_>>(),
        "body": String::from_utf8_lossy(&body),
    });
    let cookies = ["a=1; Path=/", "b=2; Path=/"].map(|line| Some(HeaderValue::from_static(line)));
    Ok(cookies.into_iter().fold(Reply::ok(&told), Reply::cookie))
}

fn router() -> Router {
    route::HEALTH.mount(echo).merge(route::SESSION_OPEN.mount(echo))
}

async fn send(event: &Value) -> Value {
    respond(app(router(), &World::empty().platform), event).await
}

/// An event in single-value mode with some fields of its own.
fn event(change: Value) -> Value {
    let mut event = json!({
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:x:1:targetgroup/recon/1"}},
        "httpMethod": "GET",
        "path": "/health",
        "queryStringParameters": {},
        "headers": {"host": "recon.example.com", "x-forwarded-for": "203.0.113.9, 192.0.2.7"},
        "body": "",
        "isBase64Encoded": false,
    });
    let Value::Object(change) = change else { panic!("a change is an object") };
    event.as_object_mut().unwrap().extend(change);
    event
}

fn told(answer: &Value) -> Value {
    assert_eq!(answer["statusCode"], 200, "{answer}");
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_request_arrives_as_the_client_sent_it() {
    let told = told(
        &send(&event(json!({
            "httpMethod": "POST",
            "path": "/v1/sessions",
            "queryStringParameters": {"a": "%2Fx%26y", "b": ""},
            "body": "aGVsbG8=",
            "isBase64Encoded": true,
        })))
        .await,
    );
    let expected = json!({
        "method": "POST", "uri": "/v1/sessions?a=%2Fx%26y&b=", "client": "192.0.2.7", "cookies": [], "body": "hello",
    });
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_health_check_without_host_and_nulls_for_nothing_are_fine() {
    for change in [
        json!({"headers": {"user-agent": "ELB-HealthChecker/2.0"}}),
        json!({"headers": null, "queryStringParameters": null, "body": null}),
        json!({"body": null, "isBase64Encoded": true}),
    ] {
        assert_eq!(send(&event(change)).await["statusCode"], 200);
    }
}

#[tokio::test]
async fn each_mode_is_answered_in_its_own() {
    let single = send(&event(json!({}))).await;
    assert_eq!(single["headers"]["set-cookie"], "a=1; Path=/");
    assert_eq!(
        (&single["statusDescription"], &single["multiValueHeaders"]),
        (&json!("200 OK"), &Value::Null)
    );

    let multi = event(json!({
        "headers": null,
        "multiValueHeaders": {"host": ["recon.example.com"], "cookie": ["c=3", "d=4"]},
        "queryStringParameters": null,
        "multiValueQueryStringParameters": {"a": ["1", "2"]},
    }));
    let answer = send(&multi).await;
    assert_eq!(answer["multiValueHeaders"]["set-cookie"], json!(["a=1; Path=/", "b=2; Path=/"]));
    assert_eq!(answer["headers"], Value::Null);
    let told_multi = told(&answer);
    assert_eq!(
        (&told_multi["uri"], &told_multi["cookies"]),
        (&json!("/health?a=1&a=2"), &json!(["c=3", "d=4"]))
    );

    let http_api = json!({
        "version": "2.0", "rawPath": "/health", "rawQueryString": "a=1&a=2", "cookies": ["c=3", "d=4"],
        "headers": {"host": "localhost"}, "isBase64Encoded": false,
        "requestContext": {"http": {"method": "GET", "path": "/health", "sourceIp": "192.0.2.8"}},
    });
    let answer = send(&http_api).await;
    assert_eq!(answer["cookies"], json!(["a=1; Path=/", "b=2; Path=/"]));
    assert_eq!(answer["headers"]["set-cookie"], Value::Null);
    let told = told(&answer);
    assert_eq!((&told["uri"], &told["cookies"]), (&json!("/health?a=1&a=2"), &json!(["c=3; d=4"])));
    assert_eq!(told["client"], "192.0.2.8");
}

#[tokio::test]
async fn what_no_client_could_have_sent_is_refused_with_words() {
    let refused = [
        json!({"path": "health"}),
        json!({"path": ""}),
        json!({"path": "/v1/../health"}),
        json!({"path": "/%2e%2e/health"}),
        json!({"path": "/v1%2Fsessions"}),
        json!({"path": "/health?a=1"}),
        json!({"path": "/health#a"}),
        json!({"path": "/he alth"}),
        json!({"path": "//evil.example/health\u{0}"}),
        json!({"path": 7}),
        json!({"path": "http://evil.example/health"}),
        json!({"httpMethod": "GET /health HTTP/1.1\r\n"}),
        json!({"httpMethod": null}),
        json!({"queryStringParameters": {"a": "1&b=2"}}),
        json!({"queryStringParameters": {"a=1&b": "2"}}),
        json!({"queryStringParameters": {"a": "x y"}}),
        json!({"queryStringParameters": {"a": "#"}}),
        json!({"queryStringParameters": {"a": 1}}),
        json!({"queryStringParameters": ["a"]}),
        json!({"headers": {"host": "not a host"}}),
        json!({"headers": {"host": "me@recon.example.com"}}),
        json!({"headers": {"bad name": "x"}}),
        json!({"headers": {"x": "line\r\nbreak"}}),
        json!({"headers": {"x": 1}}),
        json!({"headers": "x"}),
        json!({"body": "not base64!", "isBase64Encoded": true}),
        json!({"body": {"a": 1}}),
    ];
    for change in refused {
        let answer = send(&event(change.clone())).await;
        assert_eq!(answer["statusCode"], 400, "{change}");
        assert_eq!(answer["headers"]["content-type"], "application/problem+json", "{change}");
        let problem: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(problem["request_id"], answer["headers"]["x-request-id"], "{change}");
    }
}

#[tokio::test]
async fn an_event_that_is_none_still_gets_an_answer() {
    for event in [
        json!(null),
        json!([]),
        json!("GET"),
        json!({}),
        json!({"version": "2.0"}),
        json!({"multiValueHeaders": {}}),
    ] {
        assert_eq!(send(&event).await["statusCode"], 400, "{event}");
    }
}

#[tokio::test]
async fn a_path_takes_the_route_it_takes_in_a_container() {
    for (path, status) in
        [("/health/", 404), ("//health", 404), ("/HEALTH", 404), ("/health", 200), ("/nothing", 404)]
    {
        assert_eq!(send(&event(json!({"path": path}))).await["statusCode"], status, "{path}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_travel_as_base64_and_too_many_are_refused() {
    let with = |bytes: Vec<u8>| route::HEALTH.mount(move || async move { bytes });
    let world = World::empty();
    let answer = respond(app(with(vec![0xff, 0x00]), &world.platform), &event(json!({}))).await;
    assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    // The last two grow beyond the limit only where they become a part of the answer.
    for (byte, count) in [(0xff, 1_000_000), (b' ', 1_000_000), (b'"', 500_000), (0x01, 200_000)] {
        let answer = respond(app(with(vec![byte; count]), &world.platform), &event(json!({}))).await;
        assert_eq!(answer["statusCode"], 422, "{byte}");
        let problem: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        assert_eq!(problem["code"], "answer_too_large", "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("`limit`"), "{problem}");
    }
    let answer = respond(app(with(vec![b' '; 900_000]), &world.platform), &event(json!({}))).await;
    assert_eq!(answer["statusCode"], 200);
}

#[tokio::test]
async fn a_full_page_fits_whatever_it_holds() {
    for letter in ["x", "\"", "\\", "\u{1}", "ä"] {
        let page = move || async move {
            let items = (1..).zip(std::iter::repeat_n(letter.repeat(1000), 1000));
            Answer::Ok(Reply::ok(&Page::cut(List::Breaks, items, false)))
        };
        let router = app(route::HEALTH.mount(page), &World::empty().platform);
        assert_eq!(respond(router, &event(json!({}))).await["statusCode"], 200, "{letter:?}");
    }
}
