//! A private nginx.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::{Service, User, folder};

/// Where packages put it, which is not on the path of every user.
const PROGRAMS: [&str; 2] = ["nginx", "/usr/sbin/nginx"];

/// A private nginx on a port of 127.0.0.1.
#[derive(Debug)]
pub struct Nginx {
    port: u16,
    service: Service,
}

impl Nginx {
    /// Starts one with this configuration, in which each text to the left stands at least once, and what is to the right
    /// takes its place. `listen 8080` becomes a free port; what is written goes to a folder of its own. Dropping it stops
    /// it.
    ///
    /// # Errors
    /// When nginx is not installed, refuses the configuration, or does not start; when a text is not there.
    pub fn start(configuration: &str, replaced: &[(&str, &str)]) -> Result<Self> {
        let program = program()?;
        let user = User::instead_of_root("www-data")?;
        let folder = folder("nginx", user)?;
        let place = folder.display().to_string();
        let own = [
            ("listen 8080;", "listen 127.0.0.1:{port};"),
            ("/dev/stderr", "{place}/error.log"),
            ("/dev/stdout", "{place}/access.log"),
            ("/tmp/", "{place}/"),
        ];
        let mut text = configuration.to_owned();
        for (from, to) in replaced.iter().copied().chain(own) {
            ensure!(text.contains(from), "the configuration of nginx has no `{from}`");
            text = text.replace(from, to);
        }
        let text = text.replace("{place}", &place);
        let written = folder.join("nginx.conf");
        let arguments = |port: u16| {
            // Where it cannot be written, the program does not find it and says so.
            _ = std::fs::write(&written, text.replace("{port}", &port.to_string()));
            let errors = format!("{place}/error.log");
            ["-p", &place, "-e", &errors, "-c", &written.display().to_string(), "-g", "daemon off;"]
                .map(str::to_owned)
                .into()
        };
        let answers = |port: u16| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        let (service, port) =
            Service::start_on_free_port(Path::new(program), arguments, &folder, user, answers)?;
        Ok(Self { port, service })
    }

    /// Its address, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it complained about so far.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn complaints(&self) -> Result<String> {
        std::fs::read_to_string(self.service.folder.join("error.log")).context("read nginx's log")
    }
}

fn program() -> Result<&'static str> {
    let is_there = |program: &&str| {
        let known = Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
        known.is_ok_and(|status| status.success())
    };
    match PROGRAMS.iter().find(|program| is_there(program)) {
        Some(program) => Ok(program),
        None => bail!("nginx is not installed: on Debian or Ubuntu, apt-get install nginx-light"),
    }
}
