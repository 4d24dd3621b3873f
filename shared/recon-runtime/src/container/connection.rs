//! One connection, from its first byte to its end.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt as _;

use crate::download::CLIENT_WAIT;
use crate::{ClientAddress, Process, State, because};

/// How long a request's head may take to arrive, the first of a connection from its opening on, and so how long an
/// idle connection is kept: above the idle time of every proxy in front, so that it is never this end which closes
/// first.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// What connections may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many there are at once. Further ones wait in the system's queue until one closes; each takes a file
    /// descriptor and some tens of kilobytes.
    pub(crate) connections_max: u32,
    /// How long a request's head may take, from the end of the one before on.
    pub(crate) head_time_max: Duration,
    /// The most bytes of a head; as many as hyper takes where `None`.
    pub(crate) head_bytes_max: Option<usize>,
    /// Whether a connection takes more than one request.
    pub(crate) keep_alive: bool,
    /// How long the other end may take none of an answer that waits for it.
    pub(crate) take_time_max: Duration,
    /// How long a connection may be open.
    pub(crate) time_max: Option<Duration>,
}

impl Limits {
    /// For clients, and the proxies in front.
    pub(crate) const CLIENTS: Self = Self {
        connections_max: 4096,
        head_time_max: KEEP_ALIVE,
        head_bytes_max: None,
        keep_alive: true,
        take_time_max: CLIENT_WAIT,
        time_max: None,
    };
}

/// How long a request's head may take once no more connections are accepted.
const HEAD_WAIT: Duration = Duration::from_secs(1);

/// Answers the requests of a connection until either end closes it.
pub(super) async fn attend(
    process: Process,
    (stream, peer): (TcpStream, SocketAddr),
    router: Router,
    limits: Limits,
) {
    // Whether it ever brought a request.
    let asked = AtomicBool::new(false);
    let answer = service_fn(|request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ClientAddress(peer.ip().to_canonical()));
        asked.store(true, Ordering::Relaxed);
        let (answer, process) = (router.clone().oneshot(request), process.clone());
        async move { answer.await.map(|response| finish(response, &process)) }
    });
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new());
    builder.keep_alive(limits.keep_alive).header_read_timeout(limits.head_time_max);
    if let Some(bytes) = limits.head_bytes_max {
        builder.max_buf_size(bytes);
    }
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(limits.take_time_max));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(Box::pin(stream)), answer));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = over(limits.time_max) => return tracing::debug!("connection cut: it was open for too long"),
        () = process.reaches(State::Closing) => {
            // One that was just accepted would be closed although its first request is on its way.
            if asked.load(Ordering::Relaxed) {
                connection.as_mut().graceful_shutdown();
            }
            tokio::select! {
                ended = &mut connection => ended,
                () = silent(&asked) => return tracing::debug!("connection cut: it asked for nothing"),
                () = process.reaches(State::Over) => return tracing::warn!("connection cut: grace is over"),
            }
        }
    };
    if let Err(error) = ended {
        // Clients hang up as they like.
        tracing::debug!(%error, because = because(&error), "connection ended");
    }
}

/// Makes the answer of a process that drains the connection's last.
fn finish(mut response: Response, process: &Process) -> Response {
    if !process.state().keeps_connections() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Waits until the time is over, if there is a limit.
async fn over(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Waits until it is clear that a connection has nothing to be answered. One that was asked for something closes by itself,
/// after its answer.
async fn silent(asked: &AtomicBool) {
    tokio::time::sleep(HEAD_WAIT).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}
