//! A private Redis Cluster.

use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use super::{Authority, Redis, START_MAX, STARTS_MAX, free_port};

/// How long servers may take to make a cluster; they take a second or two.
const JOIN_MAX: Duration = Duration::from_secs(20);

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
        Self::of(Redis::start)
    }

    /// Starts one whose servers also listen for TLS, with the certificate of this authority. Dropping it stops it.
    ///
    /// # Errors
    /// When Redis or `redis-cli` is not installed, or does not start.
    pub fn start_with_tls(authority: &Authority) -> Result<Self> {
        // Without that they tell everybody of the ports that don't speak it.
        Self::of(|settings| Redis::start_with_tls(&[settings, &["--tls-cluster", "yes"]].concat(), authority))
    }

    fn of(start: impl Fn(&[&str]) -> Result<Redis>) -> Result<Self> {
        let mut starts_left = STARTS_MAX;
        loop {
            starts_left -= 1;
            let servers: Vec<Redis> = (0..3).map(|_| member(&start)).collect::<Result<_>>()?;
            match join(&servers) {
                Err(error) if starts_left == 0 => return Err(error),
                // Somebody took one of the ports on which they talk to each other.
                Err(_) => {}
                Ok(()) => return Ok(Self { servers }),
            }
        }
    }

    /// The URLs of its servers.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        self.servers.iter().map(Redis::url).collect()
    }

    /// The URLs of its servers over TLS.
    ///
    /// # Errors
    /// When they do not listen for TLS.
    pub fn tls_urls(&self) -> Result<Vec<String>> {
        self.servers.iter().map(Redis::tls_url).collect()
    }
}

/// A server of a cluster that is not there yet. Its port for the others is not the usual ten thousand above, where there may be none.
fn member(start: impl Fn(&[&str]) -> Result<Redis>) -> Result<Redis> {
    let port = free_port()?.to_string();
    start(&["--cluster-enabled", "yes", "--cluster-port", &port])
}

/// Makes a cluster of them. Those that do not reach each other would be waited for without end.
fn join(servers: &[Redis]) -> Result<()> {
    let addresses = servers.iter().map(|server| format!("127.0.0.1:{}", server.port()));
    let mut create = Command::new("redis-cli");
    create.args(["--cluster", "create"]).args(addresses);
    create.args(["--cluster-replicas", "0", "--cluster-yes"]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut create = create.spawn().context("start redis-cli: apt-get install redis-tools")?;
    let started = Instant::now();
    let created = loop {
        match create.try_wait()? {
            Some(status) => break status.success(),
            None if started.elapsed() > JOIN_MAX => {
                create.kill()?;
                create.wait()?;
                break false;
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    if !created {
        bail!("redis-cli --cluster create does not come to its end");
    }
    while !servers.iter().all(knows_all_slots) {
        if started.elapsed() > START_MAX {
            bail!("the cluster does not come up");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn knows_all_slots(server: &Redis) -> bool {
    let mut ask = Command::new("redis-cli");
    ask.args(["-p", &server.port().to_string(), "cluster", "info"]);
    ask.output().is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("cluster_state:ok"))
}
