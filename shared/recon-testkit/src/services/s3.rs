//! A private S3: moto, a Python program that plays Amazon's services. What it does not do as Amazon does: it looks at the
//! signature of no request, unless it is told to ask for credentials, and then it takes no signed address at all; and it keeps
//! what it has in memory.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::{Service, folder};

/// How long the server may think about a request.
const ANSWER_MAX: Duration = Duration::from_secs(20);

/// A private S3 on a port of 127.0.0.1.
#[derive(Debug)]
pub struct S3 {
    port: u16,
    _service: Service,
}

impl S3 {
    /// What it takes as credentials, as variables of a process that uses it.
    pub const CREDENTIALS: [(&'static str, &'static str); 2] =
        [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "not-a-secret")];

    /// The one of this process, started at its first use.
    ///
    /// # Errors
    /// When it is not installed, or does not start.
    pub fn shared() -> Result<&'static Self> {
        static SHARED: OnceLock<Result<S3, String>> = OnceLock::new();
        let started = SHARED.get_or_init(|| Self::start().map_err(|error| format!("{error:#}")));
        started.as_ref().map_err(|error| anyhow!("{error}"))
    }

    /// Starts one. Dropping it stops it.
    ///
    /// # Errors
    /// When it is not installed, or does not start.
    pub fn start() -> Result<Self> {
        let program = program()?;
        let folder = folder("s3", None)?;
        let arguments = |port: u16| {
            ["-H", "127.0.0.1", "-p", &port.to_string()].iter().map(ToString::to_string).collect()
        };
        let answers = |port| ask(port, "GET", "/", b"").is_ok();
        let (service, port) = Service::start_on_free_port(&program, arguments, &folder, None, answers)?;
        Ok(Self { port, _service: service })
    }

    /// Where it listens.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// A bucket of its own.
    ///
    /// # Errors
    /// When it is not made.
    pub fn bucket(&self) -> Result<String> {
        static BUCKETS: AtomicU32 = AtomicU32::new(0);
        let name = format!("bucket-{}", BUCKETS.fetch_add(1, Ordering::Relaxed));
        self.make_bucket(&name)?;
        Ok(name)
    }

    /// Makes a bucket of this name.
    ///
    /// # Errors
    /// When it is not made.
    pub fn make_bucket(&self, name: &str) -> Result<()> {
        ask(self.port, "PUT", &format!("/{name}"), b"").map(drop)
    }

    /// Where objects are in a bucket of this name, as `OBJECT_URL` says it.
    #[must_use]
    pub fn url(&self, bucket: &str) -> String {
        format!("s3://{bucket}/recon?endpoint={}", self.endpoint())
    }

    /// How many uploads of a bucket are unfinished, whose parts no list shows.
    ///
    /// # Errors
    /// When it does not say so.
    pub fn unfinished(&self, bucket: &str) -> Result<usize> {
        Ok(ask(self.port, "GET", &format!("/{bucket}?uploads"), b"")?.matches("<UploadId>").count())
    }

    /// Forgets every bucket.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn forget(&self) -> Result<()> {
        ask(self.port, "POST", "/moto-api/reset", b"").map(drop)
    }

    /// From now on it refuses credentials that it does not know, which are all; or it takes all again.
    ///
    /// # Errors
    /// When it does not listen.
    pub fn refuse_credentials(&self, refuse: bool) -> Result<()> {
        let free_requests: &[u8] = if refuse { b"0" } else { b"inf" };
        ask(self.port, "POST", "/moto-api/reset-auth", free_requests).map(drop)
    }
}

/// Asks, and returns the answer's body where it says yes.
fn ask(port: u16, method: &str, path: &str, body: &[u8]) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("reach the S3 of the tests")?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("the S3 of the tests gives no answer")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    ensure!(status.starts_with('2'), "the S3 of the tests answers {method} {path} with {status}: {body}");
    Ok(body.to_owned())
}

/// The program, which `cargo xtask test` installs among the build's own files.
fn program() -> Result<PathBuf> {
    let test = std::env::current_exe().context("find the running test")?;
    let beside = test.ancestors().nth(3).map(|target| target.join("tools/python/bin/moto_server"));
    match beside.filter(|program| program.is_file()) {
        Some(program) => Ok(program),
        None => bail!(
            "moto, the S3 of the tests, is not installed: `cargo xtask test` installs it into the build's own folder, \
             target/tools/python, from the Python package index"
        ),
    }
}
