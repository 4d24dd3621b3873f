//! A router as an HTTP server.

mod connection;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[cfg(test)]
pub(crate) use self::connection::KEEP_ALIVE;
pub(crate) use self::connection::Limits;
use self::connection::attend;
use crate::config::ServerConfig;
use crate::{Process, State};

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

/// Answers requests until the process is asked to stop, and a moment longer, in which every answer closes its
/// connection and whoever sends requests here learns to send them elsewhere. Then it accepts no more, closes idle
/// connections, and gives what is in flight its grace.
pub async fn serve_router(process: &Process, listener: TcpListener, router: Router) {
    serve_connections(process, listener, router, Limits::CLIENTS).await;
    tracing::info!("every connection is closed");
}

/// The same with other limits.
pub(crate) async fn serve_connections(
    process: &Process,
    listener: TcpListener,
    router: Router,
    limits: Limits,
) {
    let max = limits.connections_max;
    // Each connection holds a place until it is closed.
    let places = Arc::new(Semaphore::new(usize::try_from(max).unwrap_or(Semaphore::MAX_PERMITS)));
    while process.state().accepts_connections() {
        let accepted = tokio::select! {
            accepted = accept(&places, &listener) => accepted,
            () = process.reaches(State::Closing) => break,
        };
        match accepted {
            Ok((place, connection)) => {
                let attended = attend(process.clone(), connection, router.clone(), limits);
                tokio::spawn(async move {
                    attended.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    for connection in waiting(listener) {
        // One for which there is no place any more is closed unanswered, as it would be without this.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { break };
        let attended = attend(process.clone(), connection, router.clone(), limits);
        tokio::spawn(async move {
            attended.await;
            drop(place);
        });
    }
    // Every place is free when every connection is closed; at the end of the grace they close by themselves.
    let _closed = places.acquire_many(max).await;
}

/// Closes a listener, and gives the connections that the system has made already and nobody has accepted: to their other
/// ends they are open, and requests are on their way.
fn waiting(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    let accept = |listener: &std::net::TcpListener| {
        let (stream, peer) = listener.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    };
    // Not by the runtime, which hears of connections a moment later than the system.
    listener.into_std().map_or_else(
        |_| Vec::new(),
        |listener| {
            let found = std::iter::from_fn(|| accept(&listener)).collect();
            drop(listener);
            found
        },
    )
}

type Accepted = (OwnedSemaphorePermit, (TcpStream, SocketAddr));

async fn accept(places: &Arc<Semaphore>, listener: &TcpListener) -> io::Result<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    Ok((place, listener.accept().await?))
}
