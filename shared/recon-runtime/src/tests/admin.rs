//! The admin port over a real socket.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Duration, pause, timeout};

use super::world::World;
use crate::{Admin, AdminError, Environment};

async fn start(port: &str) -> Result<Admin, AdminError> {
    let environment = Environment::of([("HOME", "/nowhere"), ("ADMIN_PORT", port)]);
    Admin::start(&environment, &World::empty().platform).await
}

/// Everything that comes back for these bytes, until the other end closes.
async fn answer(address: SocketAddr, sent: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    rest(stream).await
}

async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is cut may end with a reset.
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8(bytes).unwrap()
}

#[tokio::test]
async fn metrics_are_there_from_the_start_and_nothing_else_is() {
    let admin = start("0").await.unwrap();
    let address = admin.address().unwrap();
    let ask = async |line: &str| answer(address, &format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    let metrics = ask("GET /metrics").await;
    assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
    assert!(metrics.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{metrics}");
    let version = env!("CARGO_PKG_VERSION");
    for line in [
        &format!("recon_build_info{{version=\"{version}\"}} 1"),
        "# TYPE idempotency_claims_total counter",
        "idempotency_claims_total{store=\"sqlite\"} 0",
        "idempotency_zombies_rejected_total{store=\"sqlite\"} 0",
        "# TYPE idempotency_lease_age_seconds histogram",
        "idempotency_lease_age_seconds_count{store=\"sqlite\"} 0",
        "idempotency_lease_age_seconds_bucket{store=\"sqlite\",le=\"+Inf\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }
    assert!(metrics.contains("\nprocess_start_time_seconds "), "{metrics}");
    let head = ask("HEAD /metrics").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(ask("POST /metrics").await.starts_with("HTTP/1.1 405 "));
    for path in ["/", "/metrics/", "/v1/datasets"] {
        assert!(ask(&format!("GET {path}")).await.starts_with("HTTP/1.1 404 "), "{path}");
    }
}

#[tokio::test]
async fn probes_are_answered_as_by_a_server() {
    let world = World::empty();
    let environment = Environment::of([("HOME", "/nowhere"), ("ADMIN_PORT", "0")]);
    let admin = Admin::start(&environment, &world.platform).await.unwrap();
    let address = admin.address().unwrap();
    let ask = async |path: &str| answer(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    let health = ask("/health").await;
    assert!(health.starts_with("HTTP/1.1 200 OK\r\n") && health.contains("\"status\":\"ok\""), "{health}");
    let older = ask("/ready").await;
    assert!(older.starts_with("HTTP/1.1 503 "), "{older}");
    assert!(older.contains("content-type: application/problem+json\r\n"), "{older}");
    assert!(older.contains("\"incompatible_schema\"") && older.contains("\"request_id\":\""), "{older}");
    world.platform.store.migrate().await.unwrap();
    // What was seen is said again for a second.
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let ready = ask("/ready").await;
    assert!(ready.starts_with("HTTP/1.1 200 OK\r\n") && ready.contains("\"ready\""), "{ready}");
    // It answers while the process drains, and says so.
    world.platform.process.stop();
    let draining = ask("/ready").await;
    assert!(draining.starts_with("HTTP/1.1 503 ") && draining.contains("\"draining\""), "{draining}");
    assert!(ask("/health").await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn what_takes_too_much_or_too_long_is_cut() {
    let admin = start("0").await.unwrap();
    let address = admin.address().unwrap();
    let head = format!("GET /metrics HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(20_000));
    let refused = answer(address, &head).await;
    assert!(!refused.contains(" 200 "), "{refused}");
    let silent = TcpStream::connect(address).await.unwrap();
    // They are accepted in order, so the silent one is attended to when this was answered.
    assert!(answer(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.contains("404"));
    pause();
    assert_eq!(timeout(Duration::from_secs(60), rest(silent)).await.unwrap(), "");
}

#[tokio::test]
async fn it_ends_when_it_is_dropped() {
    let admin = start("0").await.unwrap();
    let address = admin.address().unwrap();
    drop(admin);
    // Its task ends when it is next run.
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_port_that_somebody_asked_for_must_be_had_and_the_default_need_not() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = start(&port).await.unwrap_err().to_string();
    assert_eq!(
        error,
        format!("cannot serve metrics on 127.0.0.1:{port}: set ADMIN_PORT to another port, or to `off`")
    );
    assert_eq!(start("off").await.unwrap().address(), None);
    // Whether this machine's 8081 is free is not known, and must not matter.
    let _default_taken = TcpListener::bind("127.0.0.1:8081").await;
    assert_eq!(start("").await.unwrap().address(), None);
    assert!(matches!(start("x").await, Err(AdminError::Setting(_))));
}
