//! `recon healthcheck`: whether the server or the worker of this machine runs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use recon_contract::Health;
use recon_runtime::Environment;
use recon_runtime::config::{AdminConfig, ServerConfig};

use crate::cli::HealthcheckArgs;
use crate::report;

/// How long the answer may take: less than what platforms give a health check by default, so that this says why.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(3);
/// The most bytes of the answer that are read.
const ANSWER_BYTES_MAX: u64 = 4 * 1024;
/// The exit status of a server that does not run. Docker keeps 2 for itself.
const DOES_NOT_RUN: u8 = 1;

/// Asks once, and says in one line what came back.
pub(crate) fn run(arguments: &HealthcheckArgs) -> ExitCode {
    match ask(arguments) {
        Ok(line) => {
            report::print(&line);
            ExitCode::SUCCESS
        }
        Err(error) => {
            report::say(&format!("recon healthcheck: {error:#}"));
            ExitCode::from(DOES_NOT_RUN)
        }
    }
}

fn ask(arguments: &HealthcheckArgs) -> Result<String> {
    let environment = Environment::of_process();
    let address = if arguments.admin { admin(&environment)? } else { server(&environment)? };
    let url = format!("http://{address}/health");
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(ANSWER_TIME_MAX))
        // What is asked is on this machine, whatever the environment says of a proxy.
        .proxy(None)
        .build()
        .new_agent();
    let mut answer = agent.get(&url).call().with_context(|| format!("{url} does not answer"))?;
    if answer.status() != 200 {
        bail!("{url} answers with {}", answer.status());
    }
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec();
    let body = body.with_context(|| format!("read the answer of {url}"))?;
    let health: Health = serde_json::from_slice(&body)
        .with_context(|| format!("{url} answers, and it is not recon that does"))?;
    Ok(format!("{url}: {} (version {})", health.status, health.version))
}

/// Where `recon serve` listens.
fn server(environment: &Environment) -> Result<SocketAddr> {
    let config = ServerConfig::read(environment)?;
    if config.port == 0 {
        bail!("PORT is 0, so nobody knows which port the server took; set it");
    }
    Ok(SocketAddr::new(reachable(config.bind_address), config.port))
}

/// Where the admin port is, of `recon serve` and of `recon work`.
fn admin(environment: &Environment) -> Result<SocketAddr> {
    let config = AdminConfig::read(environment)?;
    match config.port {
        None => bail!("ADMIN_PORT is `off`, so there is nobody to ask; set it"),
        Some(0) => bail!("ADMIN_PORT is 0, so nobody knows which port was taken; set it"),
        Some(port) => Ok(SocketAddr::new(reachable(config.bind_address), port)),
    }
}

/// Where a listener on this address can be reached from its own machine.
fn reachable(bound: IpAddr) -> IpAddr {
    match bound {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}
