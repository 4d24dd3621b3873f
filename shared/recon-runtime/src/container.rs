//! A router as an HTTP server.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use crate::config::ServerConfig;
use crate::process::GRACE;
use crate::{ClientAddress, Process};

/// How long an idle connection is kept, and how long a request's head may take to arrive: above the idle time of
/// every proxy in front, so that it is never this end which closes first.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long to wait before accepting again when the system has no more sockets to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Listens where the configuration says.
///
/// # Errors
/// When the address is taken or not this machine's.
pub async fn listen(config: &ServerConfig) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((config.bind_address, config.port)).await?;
    tracing::info!(address = %format_args!("http://{}", listener.local_addr()?), "listening");
    Ok(listener)
}

/// Answers requests until the process is asked to stop; then accepts no more, closes idle connections, and gives
/// what is in flight its grace.
pub async fn serve_router(process: &Process, listener: TcpListener, router: Router) {
    let connections = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = process.draining() => break,
        };
        match accepted {
            Ok((stream, peer)) => spawn(&connections, stream, peer, router.clone()),
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tokio::select! {
        () = connections.shutdown() => tracing::info!("every connection is closed"),
        () = tokio::time::sleep(GRACE) => tracing::warn!("grace is over, connections are cut"),
    }
}

fn spawn(connections: &GracefulShutdown, stream: TcpStream, peer: SocketAddr, router: Router) {
    let answer = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ClientAddress(peer.ip().to_canonical()));
        router.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).keep_alive(true).header_read_timeout(KEEP_ALIVE);
    let connection = builder.serve_connection(TokioIo::new(stream), answer).into_owned();
    let watched = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            // Clients hang up as they like.
            tracing::debug!(error, "connection ended");
        }
    });
}
