//! A private PgBouncer.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::{Postgres, Service, User, folder};

/// Where packages put it, which is not on the path of every user.
const PROGRAMS: [&str; 2] = ["pgbouncer", "/usr/sbin/pgbouncer"];

/// How many connections to the server it has for a database: fewer than its clients, so that they are shared.
const SERVER_CONNECTIONS: u32 = 3;

/// A private PgBouncer on a port of 127.0.0.1, before a private PostgreSQL. A client has a connection to the server for
/// as long as a transaction takes, and whoever comes next has it then.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    server_port: u16,
    _service: Service,
}

impl PgBouncer {
    /// Starts one before this server. Dropping it stops it.
    ///
    /// # Errors
    /// When PgBouncer is not installed, or does not start.
    pub fn start(server: &Postgres) -> Result<Self> {
        let program = program()?;
        let user = User::instead_of_root("postgres")?;
        let folder = folder("pgbouncer", user)?;
        let (users, place) = (folder.join("users"), folder.join("pgbouncer.ini"));
        std::fs::write(&users, "\"postgres\" \"\"\n").context("write PgBouncer's users")?;
        let server_port = server.port();
        let arguments = |port: u16| {
            let settings = format!(
                "[databases]\n* = host=127.0.0.1 port={server_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
                 listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}\npool_mode = transaction\n\
                 default_pool_size = {SERVER_CONNECTIONS}\nmax_client_conn = 500\n",
                users.display()
            );
            // Where it cannot be written, the program does not find it and says so.
            _ = std::fs::write(&place, settings);
            vec![place.display().to_string()]
        };
        let data = server.run("show data_directory")?;
        let answers = |port| {
            let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
            server.run_in(&url, "show data_directory").is_ok_and(|told| told == data)
        };
        let (service, port) =
            Service::start_on_free_port(Path::new(program), arguments, &folder, user, answers)?;
        Ok(Self { port, server_port, _service: service })
    }

    /// Where a database of its server, which has this URL, is through it.
    #[must_use]
    pub fn url(&self, direct: &str) -> String {
        direct.replace(&format!(":{}/", self.server_port), &format!(":{}/", self.port))
    }
}

fn program() -> Result<&'static str> {
    let is_there = |program: &&str| {
        let known = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        known.is_ok_and(|status| status.success())
    };
    match PROGRAMS.iter().find(|program| is_there(program)) {
        Some(program) => Ok(program),
        None => bail!("PgBouncer is not installed: on Debian or Ubuntu, apt-get install pgbouncer"),
    }
}
