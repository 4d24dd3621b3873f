//! Which server is meant, and what proves to it who asks.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use recon_runtime::Environment;
use recon_runtime::config::Origin;
use recon_runtime::setting::Setting;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// How long it may take until a connection stands.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);

const URL: Setting = Setting {
    name: "RECON_URL",
    default: "",
    expects: "an address such as https://recon.example.com, without a path",
    secret: false,
    about: "the server that commands speak to",
};
const TOKEN: Setting = Setting {
    name: "RECON_TOKEN",
    default: "",
    expects: "a session token",
    secret: true,
    about: "what proves to the server who asks",
};
const CA_FILE: Setting = Setting {
    name: "RECON_CA_FILE",
    default: "",
    expects: "a file with certificates, PEM",
    secret: false,
    about: "certificates to trust instead of the public ones",
};

/// A server, and the right to ask it.
pub(super) struct Server {
    /// Its address, without a path.
    pub address: String,
    /// The header that says who asks. Never shown.
    pub authorization: String,
    /// How connections are made.
    pub agent: Agent,
}

impl Server {
    /// The server that is named here, or in the environment.
    pub(super) fn read(environment: &Environment, url: Option<&str>) -> Result<Self> {
        let in_environment = environment.text(&URL)?;
        let (place, address) = match url {
            Some(url) => ("--url", url),
            None if in_environment.is_empty() => bail!("no server is named: give --url or set RECON_URL"),
            None => ("RECON_URL", in_environment.as_str()),
        };
        let origin: Origin = address.parse().with_context(|| {
            format!("{place}: expected {}, got `{}`", URL.expects, address.escape_debug())
        })?;
        let token = environment.text(&TOKEN)?;
        let token = token.trim();
        if token.is_empty() {
            bail!(
                "RECON_TOKEN is not set: sign in with `POST /v1/sessions`, and put the token there or into the file that RECON_TOKEN_FILE names"
            );
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("RECON_TOKEN holds something that no token has");
        }
        let agent = agent(&environment.text(&CA_FILE)?)?;
        Ok(Self { address: origin.to_string(), authorization: format!("Bearer {token}"), agent })
    }
}

/// Statuses are read by the caller, and no redirection is followed: the token is for this server only.
fn agent(ca_file: &str) -> Result<Agent> {
    let roots = match ca_file {
        "" => RootCerts::WebPki,
        file => RootCerts::Specific(Arc::new(certificates(file)?)),
    };
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT_TIME_MAX))
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .user_agent(concat!("recon/", env!("CARGO_PKG_VERSION")));
    Ok(config.build().new_agent())
}

fn certificates(file: &str) -> Result<Vec<Certificate<'static>>> {
    let pem = std::fs::read(file).with_context(|| format!("RECON_CA_FILE: read {file}"))?;
    let items: Result<Vec<PemItem<'static>>, ureq::Error> = parse_pem(&pem).collect();
    let items = items.with_context(|| format!("RECON_CA_FILE: {file} is not PEM"))?;
    let certificates = items.into_iter().filter_map(|item| match item {
        PemItem::Certificate(certificate) => Some(certificate),
        _ => None,
    });
    let certificates: Vec<_> = certificates.collect();
    if certificates.is_empty() {
        bail!("RECON_CA_FILE: {file} holds no certificate");
    }
    Ok(certificates)
}
