//! On events that `lambda_http` reads well, its reading and ours are the same, and its types read our answers.

use axum::Router;
use axum::body::Bytes;
use http::{Method, Uri};
use lambda_http::aws_lambda_events::alb::AlbTargetGroupResponse;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use recon_contract::route;
use serde_json::{Value, json};

use super::world::World;
use crate::lambda::respond;
use crate::{Answer, Mount as _, Reply, app};

async fn echo(method: Method, uri: Uri, body: Bytes) -> Answer<Value> {
    let (path, query) = (uri.path(), uri.query());
    Ok(Reply::ok(&json!([method.as_str(), path, query, String::from_utf8_lossy(&body)])))
}

/// Our answer to an event, after checking that what arrived is what `lambda_http` makes of the event.
async fn check(event: &Value) -> Value {
    let router = app(Router::new().merge(route::SESSION_OPEN.mount(echo)), &World::empty().platform);
    let answer = respond(router, event).await;
    let theirs = lambda_http::request::from_str(&event.to_string()).unwrap();
    let expected = json!([
        theirs.method().as_str(),
        theirs.uri().path(),
        theirs.uri().query(),
        String::from_utf8_lossy(theirs.body()),
    ]);
    let ours: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(ours, expected, "{event}");
    answer
}

fn load_balancer(change: Value) -> Value {
    let mut event = json!({
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:x:1:targetgroup/recon/1"}},
        "httpMethod": "POST",
        "path": "/v1/sessions",
        "body": "aGVsbG8=",
        "isBase64Encoded": true,
    });
    let Value::Object(change) = change else { panic!("a change is an object") };
    event.as_object_mut().unwrap().extend(change);
    event
}

#[tokio::test]
async fn events_of_a_load_balancer_are_read_as_lambda_http_reads_them() {
    let host = "recon.example.com";
    for change in [
        json!({"headers": {"host": host}, "queryStringParameters": {"limit": "5"}}),
        json!({"multiValueHeaders": {"host": [host]}, "multiValueQueryStringParameters": {"a": ["1", "2"]}}),
        json!({"headers": {"host": host}, "body": "plain", "isBase64Encoded": false}),
    ] {
        let answer = check(&load_balancer(change)).await;
        let read: AlbTargetGroupResponse = serde_json::from_value(answer).unwrap();
        assert_eq!(read.status_code, 200);
        let headers = [&read.headers, &read.multi_value_headers];
        assert!(headers.iter().any(|headers| headers.contains_key("x-request-id")), "{read:?}");
    }
}

#[tokio::test]
async fn events_of_an_http_api_are_read_as_lambda_http_reads_them() {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/v1/sessions", "rawQueryString": "a=1&b=2",
        "headers": {"host": "localhost"}, "body": "hello", "isBase64Encoded": false,
        "requestContext": {
            "stage": "$default", "timeEpoch": 0,
            "http": {"method": "POST", "path": "/v1/sessions", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.8"},
        },
    });
    let read: ApiGatewayV2httpResponse = serde_json::from_value(check(&event).await).unwrap();
    assert_eq!(read.status_code, 200);
}
