//! The keyed client against a server that fails in every way that may pass.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use recon_idempotency::IdempotencyKey;
use recon_idempotency::client::RetryPolicy;
use recon_testkit::{Call, KeyedClient};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

const POLICY: RetryPolicy = RetryPolicy {
    attempts_max: 10,
    time_max: Duration::from_secs(30),
    pause_first: Duration::from_millis(5),
    pause_max: Duration::from_millis(20),
};
const BODY: &[u8] = b"{\"name\":\"one\"}";

/// What is sent back for one request before its connection is closed; the last one for every further request.
type Script = Vec<String>;

fn answer(status: &str, headers: &str, code: &str) -> String {
    let body = format!("{{\"code\":\"{code}\"}}");
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}")
}

/// Its address, and the requests that arrive there.
async fn serve(script: Script) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (told, requests) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut script = VecDeque::from(script);
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            told.send(request(&mut stream).await).unwrap();
            let answer = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
            stream.write_all(answer.unwrap().as_bytes()).await.unwrap();
        }
    });
    (address, requests)
}

async fn request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(BODY) {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "a whole request");
    }
    String::from_utf8(bytes).unwrap()
}

fn create() -> Call {
    Call::new("POST", "/things").header("content-type", "application/json").bytes(BODY.to_vec())
}

fn all(mut requests: mpsc::UnboundedReceiver<String>) -> Vec<String> {
    std::iter::from_fn(|| requests.try_recv().ok()).collect()
}

#[tokio::test]
async fn one_key_throughout_until_there_is_an_answer() {
    let script = vec![
        String::new(),
        "HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{\"half".to_owned(),
        answer("503 Service Unavailable", "retry-after: 1\r\n", "unavailable"),
        answer("409 Conflict", "retry-after: 0\r\n", "idempotency_key_in_progress"),
        answer("429 Too Many Requests", "", "rate_limited"),
        answer("502 Bad Gateway", "", ""),
        answer("504 Gateway Timeout", "", ""),
        answer("201 Created", "location: /things/1\r\n", "none"),
    ];
    let failures = script.len() - 1;
    let (address, requests) = serve(script).await;
    let (key, started) = (IdempotencyKey::random().unwrap(), Instant::now());
    let reply = KeyedClient::at(&address).unwrap().within(POLICY).send(&create(), &key).await.unwrap();
    assert_eq!((reply.status, reply.header("location")), (201, Some("/things/1")));
    assert!(started.elapsed() >= Duration::from_secs(1), "it waited as it was asked to");
    let requests = all(requests);
    assert_eq!(requests.len(), failures + 1);
    for request in &requests {
        assert_eq!(request, &requests[0], "the same request each time");
        assert_eq!(request.matches(&format!("idempotency-key: {key}\r\n")).count(), 1, "{request}");
    }
}

#[tokio::test]
async fn a_key_of_another_request_is_told_and_not_tried_again() {
    let (address, requests) =
        serve(vec![answer("422 Unprocessable Content", "", "idempotency_key_reused")]).await;
    let key = IdempotencyKey::random().unwrap();
    let error = KeyedClient::at(&address).unwrap().within(POLICY).send(&create(), &key).await.unwrap_err();
    assert!(error.to_string().contains("needs a new key"), "{error}");
    assert_eq!(all(requests).len(), 1);
}

#[tokio::test]
async fn another_conflict_is_an_answer() {
    let (address, requests) = serve(vec![answer("409 Conflict", "", "dataset_not_ready")]).await;
    let key = IdempotencyKey::random().unwrap();
    let reply = KeyedClient::at(&address).unwrap().within(POLICY).send(&create(), &key).await.unwrap();
    assert_eq!((reply.status, all(requests).len()), (409, 1));
}

#[tokio::test]
async fn patience_has_an_end() {
    let (address, requests) = serve(vec![answer("503 Service Unavailable", "", "unavailable")]).await;
    let key = IdempotencyKey::random().unwrap();
    let error = KeyedClient::at(&address).unwrap().within(POLICY).send(&create(), &key).await.unwrap_err();
    assert!(error.to_string().starts_with("given up after 10 attempts: 503 "), "{error}");
    assert_eq!(all(requests).len(), 10);
}
