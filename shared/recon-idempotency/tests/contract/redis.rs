//! What only Redis has: keys that go by themselves, and servers that do not answer or do not keep.

use std::time::Duration;

use recon_idempotency::{ClaimStore, Completion, Error, RETENTION_DEFAULT, redis};
use recon_testkit::{Redis, RedisCluster};

use crate::sample::{LEASE, REQUEST, answer, running, unanswered, with_key};
use crate::world::{Backend, Kind, PATIENCE, World};

/// How many milliseconds the one key of a world has left.
async fn left(world: &World) -> i64 {
    let Backend::Redis(servers, prefix) = &world.backend else { panic!("another one") };
    let mut connection = servers[0].get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> =
        ::redis::cmd("KEYS").arg(format!("{prefix}*")).query_async(&mut connection).await.unwrap();
    assert_eq!(keys.len(), 1);
    ::redis::cmd("PTTL").arg(&keys[0]).query_async(&mut connection).await.unwrap()
}

#[tokio::test]
async fn a_key_is_kept_for_the_retention_and_never_for_the_lease() {
    let world = World::open(Kind::Redis).await;
    let slack = 60_000; // Upwards a millisecond, because the server rounds both points in time.
    let claim = running(world.claim_for(&REQUEST, Duration::from_millis(1)).await);
    let day = i64::try_from(RETENTION_DEFAULT.as_millis()).unwrap();
    assert!((day - slack..=day + 1).contains(&left(&world).await));
    // What is extended beyond the retention is kept as long.
    let _extended = world.extend(&claim, RETENTION_DEFAULT * 2).await;
    assert!((2 * day - slack..=2 * day + 1).contains(&left(&world).await));
    assert!(matches!(world.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
    assert!((day - slack..=day + 1).contains(&left(&world).await));
}

#[tokio::test]
async fn a_server_that_throws_keys_away_gets_none() {
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let server = Redis::start(&["--maxmemory-policy", policy]).unwrap();
        let store =
            redis::Store::new(::redis::Client::open(server.url()).unwrap(), "").response_within(PATIENCE);
        let refused = store.claim(&unanswered(&REQUEST), LEASE).await;
        assert!(matches!(&refused, Err(Error::Evicting { policy: found }) if found == policy), "{refused:?}");
        assert!(matches!(store.check().await, Err(Error::Evicting { .. })));
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!(
                "the server's maxmemory-policy is {policy}, not noeviction: it may forget idempotency records"
            )
        );
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_does_not_answer_runs_nothing() {
    let nobody = redis::Store::new(::redis::Client::open("redis://127.0.0.1:1").unwrap(), "");
    assert!(matches!(nobody.claim(&unanswered(&REQUEST), LEASE).await, Err(Error::Unavailable { .. })));
    assert!(matches!(nobody.check().await, Err(Error::Unavailable { .. })));

    let server = Redis::start(&[]).unwrap();
    let client = ::redis::Client::open(server.url()).unwrap();
    let store = redis::Store::new(client.clone(), "");
    // Until it is connected: where everything is slow, the first answers may come too late.
    while store.check().await.is_err() {}
    let mut admin = client.get_multiplexed_async_connection().await.unwrap();
    let () = ::redis::cmd("CLIENT").arg("PAUSE").arg(60_000).query_async(&mut admin).await.unwrap();
    let begun = std::time::Instant::now();
    let silent = store.claim(&unanswered(&REQUEST), LEASE).await;
    assert!(matches!(silent, Err(Error::Unavailable { .. })), "{silent:?}");
    assert!(begun.elapsed() < Duration::from_secs(5));
    drop(server);
    assert!(matches!(store.claim(&unanswered(&REQUEST), LEASE).await, Err(Error::Unavailable { .. })));
}

#[tokio::test]
async fn a_server_whose_memory_is_full_runs_nothing() {
    let server = Redis::start(&["--maxmemory", "1"]).unwrap();
    let store = redis::Store::new(::redis::Client::open(server.url()).unwrap(), "").response_within(PATIENCE);
    let full = store.claim(&unanswered(&REQUEST), LEASE).await;
    assert!(
        matches!(&full, Err(Error::Unavailable { source }) if source.to_string().contains("OOM")),
        "{full:?}"
    );
}

#[tokio::test]
async fn servers_that_forgot_the_script_are_given_it_again() {
    for kind in [Kind::Redis, Kind::RedisCluster] {
        let world = World::open(kind).await;
        let Backend::Redis(servers, _) = &world.backend else { panic!("another one") };
        let claim = running(world.claim(&REQUEST).await);
        for server in servers {
            let mut connection = server.get_multiplexed_async_connection().await.unwrap();
            let () = ::redis::cmd("SCRIPT").arg("FLUSH").query_async(&mut connection).await.unwrap();
        }
        assert!(matches!(world.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
    }
}

#[tokio::test]
async fn every_server_of_a_cluster_has_keys_and_none_may_throw_them_away() {
    let world = World::open(Kind::RedisCluster).await;
    let Backend::Redis(servers, prefix) = &world.backend else { panic!("another one") };
    for number in 0..60 {
        let request = with_key(format!("key-{number}").as_bytes());
        assert_eq!(running(world.store.claim(&request, LEASE).await.unwrap()).fence(), 1);
    }
    for server in servers {
        let mut connection = server.get_multiplexed_async_connection().await.unwrap();
        let mut ask = ::redis::cmd("KEYS");
        let keys: Vec<String> = ask.arg(format!("{prefix}*")).query_async(&mut connection).await.unwrap();
        assert!(!keys.is_empty());
    }

    let own = RedisCluster::start().unwrap();
    let evicting = ::redis::Client::open(own.urls()[1].as_str()).unwrap();
    let mut connection = evicting.get_multiplexed_async_connection().await.unwrap();
    let mut set = ::redis::cmd("CONFIG");
    let () =
        set.arg("SET").arg("maxmemory-policy").arg("allkeys-lru").query_async(&mut connection).await.unwrap();
    let cluster = ::redis::cluster::ClusterClient::new(own.urls()).unwrap();
    let refused = redis::Store::cluster(cluster, "").response_within(PATIENCE);
    let refused = refused.claim(&unanswered(&REQUEST), LEASE).await;
    assert!(matches!(&refused, Err(Error::Evicting { policy }) if policy == "allkeys-lru"), "{refused:?}");
}

#[tokio::test]
async fn an_unreadable_record_is_an_error_and_no_answer() {
    for (field, value, column) in [
        ("fingerprint", &[0; 3][..], "fingerprint"),
        ("status", b"70000", "status"),
        ("headers", b"{}", "headers"),
        ("method", b"\xff", "method"),
        ("fence", b"-1", "fence"),
        ("seed", b"", "seed"),
    ] {
        let world = World::open(Kind::Redis).await;
        let claim = running(world.claim(&REQUEST).await);
        assert!(matches!(world.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
        let Backend::Redis(servers, prefix) = &world.backend else { panic!("another one") };
        let mut connection = servers[0].get_multiplexed_async_connection().await.unwrap();
        let keys: Vec<String> =
            ::redis::cmd("KEYS").arg(format!("{prefix}*")).query_async(&mut connection).await.unwrap();
        let mut set = ::redis::cmd("HSET");
        let () = set.arg(&keys[0]).arg(field).arg(value).query_async(&mut connection).await.unwrap();
        let failed = world.store.claim(&unanswered(&REQUEST), LEASE).await;
        assert!(matches!(&failed, Err(Error::Corrupt { column: found }) if *found == column), "{failed:?}");
    }
}
