//! One connection, from its first byte to its end.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request};
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower::ServiceExt as _;

use crate::{ClientAddress, Process, because};

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
        time_max: None,
    };
}

/// How long the rest of a request's head may take once no more connections are accepted.
const HEAD_WAIT: Duration = Duration::from_secs(1);

/// Answers the requests of a connection until either end closes it.
pub(super) async fn attend(
    process: Process,
    (stream, peer): (TcpStream, SocketAddr),
    router: Router,
    limits: Limits,
) {
    let busy = Busy::default();
    let answer = service_fn(|request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ClientAddress(peer.ip().to_canonical()));
        let (answer, busy, process) = (router.clone().oneshot(request), busy.clone(), process.clone());
        busy.set(true);
        async move { answer.await.map(|response| finish(response, busy, &process)) }
    });
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new());
    builder.keep_alive(limits.keep_alive).header_read_timeout(limits.head_time_max);
    if let Some(bytes) = limits.head_bytes_max {
        builder.max_buf_size(bytes);
    }
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), answer));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = over(limits.time_max) => return tracing::debug!("connection cut: it was open for too long"),
        () = process.accepting_over() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = &mut connection => ended,
                () = silent(&busy) => return tracing::debug!("connection cut: it asked for nothing"),
                () = process.grace_over() => return tracing::warn!("connection cut: grace is over"),
            }
        }
    };
    if let Err(error) = ended {
        // Clients hang up as they like.
        tracing::debug!(%error, because = because(&error), "connection ended");
    }
}

/// Makes the answer of a process that drains the connection's last. Else the connection is busy until the answer's
/// body is written.
fn finish(mut response: Response, busy: Busy, process: &Process) -> Response {
    if process.is_draining() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    response.map(|body| Body::new(Written { body, busy }))
}

/// Waits until the time is over, if there is a limit.
async fn over(limit: Option<Duration>) {
    match limit {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// Waits until it is clear that a connection has nothing to be answered.
async fn silent(busy: &Busy) {
    tokio::time::sleep(HEAD_WAIT).await;
    if busy.get() {
        std::future::pending::<()>().await;
    }
}

/// Whether a request is being answered.
#[derive(Clone, Default)]
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn set(&self, busy: bool) {
        self.0.store(busy, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A body, until whose end its connection is busy.
struct Written {
    body: Body,
    busy: Busy,
}

impl hyper::body::Body for Written {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        self.busy.set(false);
    }
}
