//! A real listener: connections, shutdown.

use std::sync::Arc;

use axum::Extension;
use recon_contract::route;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, pause, timeout};

use super::world::World;
use crate::container::{KEEP_ALIVE, Limits, serve_connections};
use crate::{Answer, ClientAddress, GRACE, Mount as _, Process, Reply, app, serve_router};

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
    let running = Running::start(Process::new(), Limits::CLIENTS.connections_max).await;
    let mut client = running.connect().await;
    ask(&mut client).await;
    ask(&mut client).await;
    running.process.stop();
    assert_eq!(rest(client).await, "");
    running.server.await.unwrap();
}

#[tokio::test]
async fn a_connection_that_sends_nothing_is_closed_after_a_while() {
    let running = Running::start(Process::new(), Limits::CLIENTS.connections_max).await;
    let silent = running.connect().await;
    // They are accepted in order, so the silent one is attended to when the other was answered.
    ask(&mut running.connect().await).await;
    pause();
    assert_eq!(timeout(KEEP_ALIVE * 2, rest(silent)).await.unwrap(), "");
}

#[tokio::test]
async fn a_head_that_never_ends_does_not_hold_the_end_of_the_process() {
    let running = Running::start(Process::new(), Limits::CLIENTS.connections_max).await;
    let mut half = running.connect().await;
    half.write_all(b"GET /health HTTP/1.1\r\nHo").await.unwrap();
    ask(&mut running.connect().await).await;
    pause();
    let asked = Instant::now();
    running.process.stop();
    running.server.await.unwrap();
    assert!(asked.elapsed() < GRACE / 4, "{:?}", asked.elapsed());
    assert_eq!(rest(half).await, "");
}

#[tokio::test]
async fn a_process_that_was_asked_to_stop_answers_a_moment_longer_and_closes_with_each_answer() {
    let running = Running::start(Process::accepting_for(GRACE / 2), Limits::CLIENTS.connections_max).await;
    let mut kept = running.connect().await;
    assert!(!ask(&mut kept).await.contains("connection: close"));
    running.process.stop();
    for mut client in [kept, running.connect().await] {
        client.write_all(GET).await.unwrap();
        let answer = rest(client).await.to_lowercase();
        assert!(answer.starts_with("http/1.1 200 ok\r\n"), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    pause();
    let asked = Instant::now();
    running.server.await.unwrap();
    assert!(asked.elapsed() > GRACE / 3, "{:?}", asked.elapsed());
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test]
async fn a_request_is_answered_whose_connection_was_made_just_before_the_end() {
    let running = Running::start(Process::new(), Limits::CLIENTS.connections_max).await;
    // In order, so that this one is attended to when the next was answered, and has asked for nothing yet.
    let mut accepted = running.connect().await;
    ask(&mut running.connect().await).await;
    running.process.stop();
    // The listener is closed, so that this process is past accepting.
    while TcpStream::connect(running.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    accepted.write_all(GET).await.unwrap();
    let answer = rest(accepted).await.to_lowercase();
    assert!(answer.starts_with("http/1.1 200 ok\r\n"), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    running.server.await.unwrap();
}

#[tokio::test]
async fn connections_that_nobody_has_accepted_yet_are_answered_too() {
    let world = World::empty();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    for _ in 0..10 {
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(GET).await.unwrap();
        waiting.push(client);
    }
    // Past accepting before it begins.
    let process = Process::new();
    process.stop();
    serve_router(&process, listener, app(route::HEALTH.mount(fine), &world.platform)).await;
    for client in waiting {
        let answer = rest(client).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_is_given_up() {
    const ANSWER_BYTES: usize = 64 * 1024 * 1024;
    let world = World::empty();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let huge = async || Answer::Ok(Reply::ok(&"x".repeat(ANSWER_BYTES)));
    let router = app(route::HEALTH.mount(huge), &world.platform);
    let limits = Limits { take_time_max: Duration::from_millis(300), ..Limits::CLIENTS };
    let process = Process::new();
    let stop = process.clone();
    let server = tokio::spawn(async move { serve_connections(&stop, listener, router, limits).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(GET).await.unwrap();
    client.readable().await.unwrap();
    process.stop();
    // It ends without the client having read anything, and long before its grace.
    timeout(GRACE / 2, server).await.unwrap().unwrap();
    let mut taken = Vec::new();
    let _ = client.read_to_end(&mut taken).await;
    assert!(taken.len() < ANSWER_BYTES, "{}", taken.len());
}

#[tokio::test]
async fn an_answer_that_is_under_way_is_sent_to_its_end_however_slowly_it_is_taken() {
    const ANSWER_BYTES: usize = 64 * 1024 * 1024;
    let world = World::empty();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let huge = async || Answer::Ok(Reply::ok(&"x".repeat(ANSWER_BYTES)));
    let router = app(route::HEALTH.mount(huge), &world.platform);
    let process = Process::new();
    let stop = process.clone();
    let server = tokio::spawn(async move { serve_router(&stop, listener, router).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(GET).await.unwrap();
    client.readable().await.unwrap();
    process.stop();
    pause();
    tokio::time::sleep(GRACE / 2).await;
    let answer = rest(client).await;
    assert!(answer.len() > ANSWER_BYTES, "{}", answer.len());
    server.await.unwrap();
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_with_the_time_of_a_head() {
    let limits = Limits { head_time_max: Duration::from_millis(500), ..Limits::CLIENTS };
    let running = Running::start_with(Process::new(), limits).await;
    let (mut reads, mut writes) = running.connect().await.into_split();
    let trickle = async {
        for byte in GET.iter().cycle().take(1_000) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            // Never the end of the head.
            let byte = if *byte == b'\n' { b'\r' } else { *byte };
            if writes.write_all(&[byte]).await.is_err() {
                return;
            }
        }
    };
    let cut = async {
        let mut said = Vec::new();
        let _ = reads.read_to_end(&mut said).await;
        assert!(!said.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&said));
    };
    tokio::select! {
        () = cut => {}
        () = trickle => panic!("a head may take as long as it likes"),
    }
}

#[test]
fn each_time_limit_is_at_least_the_one_it_waits_for() {
    // What proxies in front wait for an answer, and for how long they keep an idle connection.
    const PROXY: Duration = Duration::from_secs(60);
    let long_poll = Duration::from_secs(recon_contract::WAIT_SECONDS_MAX.into());
    let limits = [long_poll, crate::REQUEST_TIME, PROXY, KEEP_ALIVE];
    assert!(limits.windows(2).all(|pair| pair[0] < pair[1]), "{limits:?}");
    assert!(Limits::CLIENTS.take_time_max >= PROXY);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let running = Running::start(Process::new(), 1).await;
    let mut first = running.connect().await;
    ask(&mut first).await;
    let mut second = running.connect().await;
    second.write_all(GET).await.unwrap();
    for _ in 0..20 {
        ask(&mut first).await;
        let early = second.try_read(&mut [0]).unwrap_err();
        assert_eq!(early.kind(), std::io::ErrorKind::WouldBlock);
    }
    drop(first);
    answer(&mut second).await;
}

#[tokio::test]
async fn http_2_without_asking_first_is_not_spoken() {
    let running = Running::start(Process::new(), Limits::CLIENTS.connections_max).await;
    let mut client = running.connect().await;
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let mut said = Vec::new();
    // It may be closed or reset, as long as nothing of HTTP/2 is said.
    let _ = client.read_to_end(&mut said).await;
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 400 "), "{}", String::from_utf8_lossy(&said));
}

/// A server whose `/health` answers 7.
struct Running {
    process: Process,
    address: std::net::SocketAddr,
    server: JoinHandle<()>,
    _world: World,
}

impl Running {
    async fn start(process: Process, connections_max: u32) -> Self {
        Self::start_with(process, Limits { connections_max, ..Limits::CLIENTS }).await
    }

    async fn start_with(process: Process, limits: Limits) -> Self {
        let world = World::empty();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = app(route::HEALTH.mount(fine), &world.platform);
        let stop = process.clone();
        let serve = async move { serve_connections(&stop, listener, router, limits).await };
        Self { process, address, server: tokio::spawn(serve), _world: world }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

async fn fine() -> Answer<u32> {
    Ok(Reply::ok(&7))
}

async fn ask(client: &mut TcpStream) -> String {
    client.write_all(GET).await.unwrap();
    answer(client).await
}

async fn answer(client: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n7") {
        let read = client.read_buf(&mut answer).await.unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&answer));
    }
    String::from_utf8(answer).unwrap().to_lowercase()
}
