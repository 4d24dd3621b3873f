//! Whether a process may be sent work.

use std::time::Duration;

use recon_contract::{Code, Readiness};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::world::World;
use crate::{Environment, Platform, Probes, Process};

async fn code(probes: &Probes) -> Code {
    probes.ready().await.unwrap_err().problem().code
}

/// What was seen is said again for a second.
async fn forgotten() {
    tokio::time::sleep(Duration::from_millis(1_050)).await;
}

#[tokio::test]
async fn what_was_reached_once_may_be_away_and_what_never_was_may_not() {
    let world = World::new().await;
    let objects = world.folder().join("objects");
    let away = world.folder().join("away");
    std::fs::rename(&objects, &away).unwrap();
    let probes = world.platform.probes.clone();
    let refusal = probes.ready().await.unwrap_err();
    assert_eq!(refusal.problem().code, Code::Unavailable);
    assert_eq!(refusal.problem().detail, "the object store did not answer since this process started");
    assert!(refusal.problem().retry_after.is_some());

    std::fs::rename(&away, &objects).unwrap();
    forgotten().await;
    assert_eq!(probes.ready().await.unwrap().status, Readiness::Ready);
    std::fs::rename(&objects, &away).unwrap();
    forgotten().await;
    // Every clone knows, since it is the process that is ready or not.
    let degraded = world.platform.clone().probes.ready().await.unwrap();
    assert_eq!((degraded.status, degraded.checks["database"].as_str()), (Readiness::Degraded, "ok"));
    assert_eq!(degraded.checks["objects"], "does not answer");
}

#[tokio::test]
async fn a_schema_that_does_not_fit_and_a_process_that_stops_are_never_ready() {
    let world = World::empty();
    let probes = world.platform.probes.clone();
    assert_eq!(code(&probes).await, Code::IncompatibleSchema);
    world.platform.store.migrate().await.unwrap();
    forgotten().await;
    probes.ready().await.unwrap();
    world.platform.process.stop();
    assert_eq!(code(&probes).await, Code::Draining);
}

#[tokio::test]
async fn a_database_that_falls_silent_is_not_waited_for_longer_than_probes_wait() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://nobody@{}/nothing", silent.local_addr().unwrap());
    let world = World::empty();
    let objects = format!("file://{}", world.folder().display());
    let environment = Environment::of([("DATABASE_URL", &*url), ("OBJECT_URL", &*objects)]);
    let platform = Platform::open(&environment, Process::new()).unwrap();
    let asked = Instant::now();
    assert_eq!(code(&platform.probes).await, Code::Unavailable);
    assert!(asked.elapsed() < Duration::from_millis(2_900), "{:?}", asked.elapsed());
}
