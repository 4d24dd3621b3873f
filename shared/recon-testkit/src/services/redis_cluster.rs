//! A private Redis Cluster.

use std::process::Command;
use std::sync::OnceLock;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};

use super::{Redis, START_MAX, free_port};

/// A private Redis Cluster of three masters on ports of 127.0.0.1, without replicas.
#[derive(Debug)]
pub struct RedisCluster {
    servers: Vec<Redis>,
}

impl RedisCluster {
    /// The one of this process, started at its first use. It evicts nothing.
    ///
    /// # Errors
    /// When Redis is not installed, or does not start.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<RedisCluster, String>> = OnceLock::new();
        let started = SHARED.get_or_init(|| Self::start().map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Starts one. Dropping it stops it.
    ///
    /// # Errors
    /// When Redis or `redis-cli` is not installed, or does not start.
    pub fn start() -> Result<Self> {
        let servers: Vec<Redis> = (0..3).map(|_| member()).collect::<Result<_>>()?;
        let addresses = servers.iter().map(|server| format!("127.0.0.1:{}", server.port()));
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(addresses).args([
            "--cluster-replicas",
            "0",
            "--cluster-yes",
        ]);
        let output = create.output().context("start redis-cli: apt-get install redis-tools")?;
        if !output.status.success() {
            bail!("redis-cli --cluster create: {}", String::from_utf8_lossy(&output.stdout));
        }
        let started = Instant::now();
        while !servers.iter().all(knows_all_slots) {
            if started.elapsed() > START_MAX {
                bail!("the cluster does not come up");
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        Ok(Self { servers })
    }

    /// The URLs of its servers.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.servers.iter().map(Redis::url).collect()
    }
}

/// A server of a cluster that is not there yet. Its port for the others is not the usual ten thousand above, where there may be none.
fn member() -> Result<Redis> {
    let port = free_port()?.to_string();
    Redis::start(&["--cluster-enabled", "yes", "--cluster-port", &port])
}

fn knows_all_slots(server: &Redis) -> bool {
    let mut ask = Command::new("redis-cli");
    ask.args(["-p", &server.port().to_string(), "cluster", "info"]);
    ask.output().is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("cluster_state:ok"))
}
