//! A private Redis.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, bail};

use super::{Authority, Service, folder, free_port};

/// A private Redis on a port of 127.0.0.1. It keeps what it has only as long as it runs.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    tls_port: Option<u16>,
    _service: Service,
}

impl Redis {
    /// The one of this process, started at its first use. It evicts nothing.
    ///
    /// # Errors
    /// When Redis is not installed, or does not start.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<Redis, String>> = OnceLock::new();
        let started = SHARED.get_or_init(|| Self::start(&[]).map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Starts one with these settings, such as `["--maxmemory-policy", "allkeys-lru"]`. Dropping it stops it.
    ///
    /// # Errors
    /// When Redis is not installed, or does not start.
    pub fn start(settings: &[&str]) -> Result<Self> {
        let known = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if !known.is_ok_and(|status| status.success()) {
            bail!("Redis is not installed: on Debian or Ubuntu, apt-get install redis-server");
        }
        let folder = folder("redis", None)?;
        let place = folder.display().to_string();
        let arguments = |port: u16| {
            let port = port.to_string();
            let own =
                ["--port", &port, "--bind", "127.0.0.1", "--dir", &place, "--save", "", "--appendonly", "no"];
            own.iter().chain(settings).map(|argument| (*argument).to_owned()).collect()
        };
        let program = Path::new("redis-server");
        let (service, port) =
            Service::start_on_free_port(program, arguments, &folder, None, |port| answers(port, &place))?;
        Ok(Self { port, tls_port: None, _service: service })
    }

    /// The same, which also listens for TLS, with the certificate of this authority.
    ///
    /// # Errors
    /// When Redis is not installed, or does not start.
    pub fn start_with_tls(settings: &[&str], authority: &Authority) -> Result<Self> {
        let tls_port = free_port()?;
        let port = tls_port.to_string();
        let path = |path: PathBuf| path.display().to_string();
        let (certificate, key) = (path(authority.server_certificate()), path(authority.server_key()));
        let own = path(authority.certificate());
        let mut tls = vec!["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        tls.extend(["--tls-ca-cert-file", &own, "--tls-auth-clients", "no"]);
        tls.extend(settings);
        Ok(Self { tls_port: Some(tls_port), ..Self::start(&tls)? })
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its URL over TLS.
    ///
    /// # Errors
    /// When it does not listen for TLS.
    pub fn tls_url(&self) -> Result<String> {
        let port = self.tls_port.context("this Redis does not listen for TLS")?;
        Ok(format!("rediss://127.0.0.1:{port}"))
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// Whether the server that has this folder answers.
fn answers(port: u16, folder: &str) -> bool {
    let ask = || {
        let mut connection = TcpStream::connect(("127.0.0.1", port))?;
        connection.write_all(b"CONFIG GET dir\r\nQUIT\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer.lines().any(|line| line == folder))
    };
    ask().unwrap_or(false)
}
