//! Redis over TLS.

use std::process::Command;

use recon_idempotency::{ClaimStore, Error, redis};
use recon_testkit::{Authority, Redis, RedisCluster};

use crate::open::works;
use crate::sample::{LEASE, REQUEST, running, unanswered};
use crate::world::PATIENCE;

/// The URL that this program opens when it runs once more as a process of its own.
const URL: &str = "TEST_TLS_URL";
/// The name of the test below.
const ITSELF: &str = "redis_tls::a_server_is_trusted_by_the_authorities_in_the_environment";

/// The environment belongs to a whole process, so each URL is opened in a process of its own: in this test once more.
#[tokio::test]
async fn a_server_is_trusted_by_the_authorities_in_the_environment() {
    #[expect(clippy::disallowed_methods, reason = "the test tells itself")]
    if let Ok(url) = std::env::var(URL) {
        return works(&url).await;
    }
    let authority = Authority::new().unwrap();
    let server = Redis::start_with_tls(&[], &authority).unwrap();
    let cluster = RedisCluster::start_with_tls(&authority).unwrap();
    let nodes: Vec<_> = cluster
        .tls_urls()
        .unwrap()
        .iter()
        .map(|url| url.trim_start_matches("rediss://").to_owned())
        .collect();
    for url in [server.tls_url().unwrap(), format!("rediss-cluster://{}", nodes.join(","))] {
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args([ITSELF, "--exact"]).env(URL, &url).env("SSL_CERT_FILE", authority.certificate());
        let output = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{url}: {said}");
    }
}

#[tokio::test]
async fn a_server_is_trusted_by_the_authority_that_its_client_is_given_and_by_no_other() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let server = Redis::start_with_tls(&[], &authority).unwrap();
    let store = |authority: &Authority| {
        let root_cert = Some(std::fs::read(authority.certificate()).unwrap());
        let trusts = ::redis::TlsCertificates { client_tls: None, root_cert };
        let client = ::redis::Client::build_with_tls(server.tls_url().unwrap(), trusts).unwrap();
        redis::Store::new(client, "").response_within(PATIENCE)
    };
    let _claim = running(store(&authority).claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    let refused = store(&other).claim(&unanswered(&REQUEST), LEASE).await;
    let Err(Error::Unavailable { source }) = refused else { panic!("{refused:?}") };
    assert!(format!("{source:?}").contains("certificate"), "{source:?}");
    // What speaks TLS gets nothing in the clear, nor does TLS get anything from what does not.
    let plain = server.tls_url().unwrap().replace("rediss", "redis");
    let plain = redis::Store::new(::redis::Client::open(plain).unwrap(), "").response_within(PATIENCE);
    assert!(matches!(plain.check().await, Err(Error::Unavailable { .. })));
}
