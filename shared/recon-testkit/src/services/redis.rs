//! A private Redis.

use std::cell::Cell;
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
        Self::start_also(settings, Vec::new)
    }

    /// `more` gives settings anew for each start that is tried.
    fn start_also(settings: &[&str], more: impl Fn() -> Vec<String>) -> Result<Self> {
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
            let given = own.iter().chain(settings).map(|argument| (*argument).to_owned());
            given.chain(more()).collect()
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
        Self::start_with_tls_on(free_port, settings, authority)
    }

    fn start_with_tls_on(
        free_port: impl Fn() -> Result<u16>,
        settings: &[&str],
        authority: &Authority,
    ) -> Result<Self> {
        let path = |path: PathBuf| path.display().to_string();
        let (certificate, key) = (path(authority.server_certificate()), path(authority.server_key()));
        let own = path(authority.certificate());
        let mut tls = vec!["--tls-cert-file", &certificate, "--tls-key-file", &key];
        tls.extend(["--tls-ca-cert-file", &own, "--tls-auth-clients", "no"]);
        tls.extend(settings);
        let tls_port = Cell::new(None);
        let on_port = || {
            tls_port.set(free_port().ok());
            vec!["--tls-port".to_owned(), tls_port.get().unwrap_or_default().to_string()]
        };
        let started = Self::start_also(&tls, on_port)?;
        Ok(Self { tls_port: tls_port.get(), ..started })
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn a_port_for_tls_that_is_taken_is_given_up_for_another_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = listener.local_addr().unwrap().port();
        let tried = Cell::new(0);
        let ports = || {
            tried.set(tried.get() + 1);
            if tried.get() == 1 { Ok(taken) } else { free_port() }
        };
        let redis = Redis::start_with_tls_on(ports, &[], &Authority::new().unwrap()).unwrap();
        assert_eq!(tried.get(), 2);
        assert!(TcpStream::connect(("127.0.0.1", redis.tls_port.unwrap())).is_ok());
        assert_ne!(redis.tls_port, Some(taken));
    }
}
