//! A real listener: connections, shutdown.

use std::sync::Arc;

use axum::Extension;
use recon_contract::route;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::world::World;
use crate::{Answer, ClientAddress, Mount as _, Process, Reply, app, serve_router};

const GET: &[u8] = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What came until the connection was closed.
async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

#[tokio::test]
async fn a_stop_lets_what_is_in_flight_finish_and_closes_what_is_idle() {
    let world = World::empty();
    let (process, arrived, go) = (Process::new(), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, wait) = (arrived.clone(), go.clone());
    let handler = move |Extension(client): Extension<ClientAddress>| async move {
        told.notify_one();
        wait.notified().await;
        Answer::Ok(Reply::ok(&client.0.to_string()))
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = app(route::HEALTH.mount(handler), &world.platform);
    let stop = process.clone();
    let server = tokio::spawn(async move { serve_router(&stop, listener, router).await });

    let idle = TcpStream::connect(address).await.unwrap();
    let mut busy = TcpStream::connect(address).await.unwrap();
    busy.write_all(GET).await.unwrap();
    arrived.notified().await;
    process.stop();
    assert_eq!(rest(idle).await, "");
    go.notify_one();
    let answer = rest(busy).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(answer.ends_with("\"127.0.0.1\""), "{answer}");
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    async fn fine() -> Answer<u32> {
        Ok(Reply::ok(&7))
    }
    let world = World::empty();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (process, router) = (Process::new(), app(route::HEALTH.mount(fine), &world.platform));
    let stop = process.clone();
    let server = tokio::spawn(async move { serve_router(&stop, listener, router).await });
    for _ in 0..2 {
        client.write_all(GET).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n7") {
            assert_ne!(
                client.read_buf(&mut answer).await.unwrap(),
                0,
                "{}",
                String::from_utf8_lossy(&answer)
            );
        }
    }
    process.stop();
    assert_eq!(rest(client).await, "");
    server.await.unwrap();
}
