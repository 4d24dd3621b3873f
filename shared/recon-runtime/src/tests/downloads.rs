//! Files that are made while they are sent.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http_body_util::BodyExt as _;
use recon_contract::route;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt as _;

use super::world::{World, request};
use crate::download::{Download, Downloaded};
use crate::lambda::respond;
use crate::{Mount as _, Process, Refusal, app, serve_router};

/// More than waits anywhere on the way.
const LONG: usize = 32 * 1024 * 1024;

type Written = Result<(), io::Error>;

/// A router that answers with what this writes.
fn router(write: impl Fn(&mut Downloaded) -> Written + Clone + Send + Sync + 'static) -> Router {
    let handler = move || {
        let write = write.clone();
        async move { file(write).await }
    };
    route::HEALTH.mount(handler)
}

async fn file(write: impl Fn(&mut Downloaded) -> Written + Send + 'static) -> Result<Response, Refusal> {
    Download::new("matches.csv".to_owned(), "text/csv").written_by(move |out| write(out)).await
}

fn lines(out: &mut Downloaded, bytes: usize) -> Written {
    (0..bytes / 8).try_for_each(|line| writeln!(out, "{line:07}"))
}

async fn get(router: Router) -> Response {
    let Ok(response) = app(router, &World::empty().platform)
        .oneshot(request("GET", "/health").body(Body::empty()).unwrap())
        .await;
    response
}

#[tokio::test]
async fn a_file_arrives_whole_under_its_name() {
    for bytes in [0, 8, LONG / 8] {
        let response = get(router(move |out| lines(out, bytes))).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/csv");
        assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"matches.csv\"");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body.len(), bytes);
        assert!(bytes == 0 || body.ends_with(format!("{:07}\n", bytes / 8 - 1).as_bytes()));
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_begun_is_a_problem() {
    let failed = |_: &mut Downloaded| Err(io::Error::other("the disk is gone"));
    World::empty()
        .send(router(failed), request("GET", "/health").body(Body::empty()).unwrap())
        .await
        .is_problem(500, "internal");
    let panicked = |_: &mut Downloaded| panic!("a defect");
    World::empty()
        .send(router(panicked), request("GET", "/health").body(Body::empty()).unwrap())
        .await
        .is_problem(500, "internal");
}

#[tokio::test]
async fn a_file_that_breaks_off_is_never_whole() {
    let failed = |out: &mut Downloaded| {
        lines(out, LONG / 8)?;
        Err(io::Error::other("the disk is gone"))
    };
    let response = get(router(failed)).await;
    assert_eq!(response.status(), 200, "the head was sent before");
    assert!(response.into_body().collect().await.is_err());
    let panicked = |out: &mut Downloaded| {
        lines(out, LONG / 8)?;
        panic!("a defect")
    };
    assert!(get(router(panicked)).await.into_body().collect().await.is_err());

    // Over a connection: the last chunk, which is the one of no bytes, does not come.
    let world = World::empty();
    let (process, listener) = (Process::new(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    let (stop, router) = (process.clone(), app(router(failed), &world.platform));
    let server = tokio::spawn(async move { serve_router(&stop, listener, router).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // What was on its way when the connection broke may be lost with it, and the break may show as an error.
    let _ = client.read_to_end(&mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 OK\r\n"));
    assert!(!answer.ends_with(b"\r\n0\r\n\r\n"), "the end of a whole file");
    process.stop();
    server.await.unwrap();
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_making() {
    let (told, ended) = oneshot::channel();
    let told = std::sync::Mutex::new(Some(told));
    let write = move |out: &mut Downloaded| {
        let written = lines(out, LONG);
        told.lock()
            .unwrap()
            .take()
            .unwrap()
            .send(written.as_ref().map_err(io::Error::kind).copied())
            .unwrap();
        written
    };
    let response = file(write).await.unwrap();
    drop(response);
    assert_eq!(ended.await.unwrap(), Err(io::ErrorKind::BrokenPipe));
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_given_up() {
    let (told, mut ended) = oneshot::channel();
    let told = std::sync::Mutex::new(Some(told));
    let write = move |out: &mut Downloaded| {
        let written = lines(out, LONG);
        told.lock()
            .unwrap()
            .take()
            .unwrap()
            .send(written.as_ref().map_err(io::Error::kind).copied())
            .unwrap();
        written
    };
    let response = file(write).await.unwrap();
    // The making waits on a thread of its own, so that its clock is moved on until it has noticed.
    tokio::time::pause();
    let started = Instant::now();
    let written = loop {
        assert!(started.elapsed() < Duration::from_secs(30), "it waits on");
        tokio::time::advance(Duration::from_mins(1)).await;
        tokio::task::yield_now().await;
        if let Ok(written) = ended.try_recv() {
            break written;
        }
    };
    assert_eq!(written, Err(io::ErrorKind::TimedOut));
    let collected = tokio::time::timeout(Duration::from_hours(1), response.into_body().collect()).await;
    assert!(collected.unwrap().is_err(), "what was made is no whole file");
}

#[tokio::test]
async fn a_file_beyond_what_a_function_may_send_says_where_to_get_it() {
    let event = json!({
        "requestContext": {"elb": {"targetGroupArn": "arn"}}, "httpMethod": "GET", "path": "/health",
        "headers": {"host": "recon.example.com"}, "queryStringParameters": {}, "body": "", "isBase64Encoded": false,
    });
    let world = World::empty();
    let answer = respond(app(router(|out| lines(out, 800_000)), &world.platform), &event).await;
    assert_eq!((&answer["statusCode"], answer["body"].as_str().unwrap().len()), (&json!(200), 800_000));
    let answer = respond(app(router(|out| lines(out, LONG)), &world.platform), &event).await;
    assert_eq!(answer["statusCode"], 422);
    let problem: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(problem["code"], "answer_too_large");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("recon serve") && !detail.contains("`limit`"), "{detail}");
    let broken = |out: &mut Downloaded| {
        lines(out, 500_000)?;
        Err(io::Error::other("the disk is gone"))
    };
    let answer = respond(app(router(broken), &world.platform), &event).await;
    assert_eq!(answer["statusCode"], 500, "half a file is no answer");
}
