//! What nginx repeats, passes on and refuses: tried before backends that answer nothing, or too much.

mod fake;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use self::fake::{Backend, Manner};
use super::proxy::Proxy;
use crate::running::free_port;

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(10);
/// More than an ordinary request may have, and less than an upload.
const BYTES: u64 = 60_000_000;
/// One more than an upload may have.
const UPLOAD_BYTES: u64 = 1_073_741_825;
/// As often as requests go to the backend that is not there, in turn.
const TURNS: usize = 8;

/// Tries everything with an nginx that is started for it.
pub(super) fn run(nginx: &str, folder: &Path) -> Result<()> {
    repeated(nginx, &folder.join("repeated")).context("what is repeated")?;
    passed_on(nginx, &folder.join("passed-on")).context("what is passed on")
}

/// A request that a backend has seen goes to another one only if it may be repeated.
fn repeated(nginx: &str, folder: &Path) -> Result<()> {
    let backends = [Backend::start(Manner::Silent)?, Backend::start(Manner::Silent)?];
    let proxy = Proxy::start(nginx, folder, [backends[0].port(), backends[1].port()])?;
    for (method, times) in [("POST", 1), ("PATCH", 1), ("GET", 2)] {
        let before: usize = backends.iter().map(|backend| backend.heads().len()).sum();
        let answer =
            ask(&proxy, &format!("{method} /v1/datasets HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"))?;
        let after: usize = backends.iter().map(|backend| backend.heads().len()).sum();
        ensure!(after - before == times, "{method} reached {} backends, and not {times}", after - before);
        answer.problem("503", "unavailable").with_context(|| format!("{method} with no answer"))?;
        ensure!(answer.head.contains("retry-after: 1"), "{method}: no Retry-After in {}", answer.head);
    }
    Ok(())
}

fn passed_on(nginx: &str, folder: &Path) -> Result<()> {
    let backend = Backend::start(Manner::Friendly)?;
    // Nobody listens at the other one.
    let proxy = Proxy::start(nginx, folder, [backend.port(), free_port()?])?;
    for _ in 0..TURNS {
        let answer = ask(&proxy, "POST /v1/datasets HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")?;
        ensure!(answer.status() == "200", "a POST that reached no backend is lost: {}", answer.head);
        ensure!(
            answer.head.contains("server: nginx\r\n"),
            "the server tells more than its name: {}",
            answer.head
        );
    }
    for (given, passed) in [("r-1", true), ("\"},{\"", false), ("", false)] {
        ask(&proxy, &format!("GET /health HTTP/1.1\r\nHost: example.com\r\nX-Request-Id: {given}\r\n"))?;
        let head = backend.heads().pop().context("the backend got nothing")?;
        ensure!(head.contains("host: example.com\r\n"), "the host is another one:\n{head}");
        let id = head.split("x-request-id: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        let id = id.with_context(|| format!("no X-Request-Id in\n{head}"))?;
        ensure!((id == given) == passed && !id.is_empty(), "of the id `{given}` became `{id}`");
    }
    let content = "/v1/datasets/7/content";
    let seen = backend.heads().len();
    for (path, bytes) in [("/v1/datasets", BYTES), (content, UPLOAD_BYTES)] {
        let answer = ask(&proxy, &format!("PUT {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {bytes}\r\n"))?;
        answer.problem("413", "payload_too_large").with_context(|| format!("{bytes} bytes to {path}"))?;
    }
    ensure!(backend.heads().len() == seen, "a request that is too large reached a backend");
    // Of an upload's bytes the backend gets those that are there.
    let mut upload = connect(&proxy)?;
    write!(upload, "PUT {content} HTTP/1.1\r\nHost: a\r\nContent-Length: {BYTES}\r\n\r\nfirst")?;
    let start = Instant::now();
    while backend.heads().len() == seen {
        if start.elapsed() > ANSWER_MAX {
            bail!("nginx waits for the whole upload; it says:\n{}", proxy.words());
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// What came back: its head in small letters, and its body.
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// Fails unless it is the problem document of this status and code.
    fn problem(&self, status: &str, code: &str) -> Result<()> {
        let body: Value =
            serde_json::from_str(&self.body).with_context(|| format!("not JSON: {}", self.body))?;
        let is_problem = self.head.contains("content-type: application/problem+json\r\n");
        let same =
            self.status() == status && body["status"].as_u64() == status.parse().ok() && body["code"] == code;
        ensure!(is_problem && same, "not {status} {code}:\n{}{}", self.head, self.body);
        Ok(())
    }
}

fn connect(proxy: &Proxy) -> Result<TcpStream> {
    let stream =
        TcpStream::connect(proxy.address().trim_start_matches("http://")).context("connect to nginx")?;
    stream.set_read_timeout(Some(ANSWER_MAX)).context("limit the wait")?;
    Ok(stream)
}

/// Sends a request, whose head may lack its end, and reads what comes back until nginx closes the connection.
fn ask(proxy: &Proxy, request: &str) -> Result<Answer> {
    let mut stream = connect(proxy)?;
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or((request.trim_end(), ""));
    write!(stream, "{head}\r\nConnection: close\r\n\r\n{body}").context("send a request")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).with_context(|| format!("read the answer to {head}"))?;
    let answer = String::from_utf8_lossy(&bytes);
    let (head, body) =
        answer.split_once("\r\n\r\n").with_context(|| format!("no answer to {head}: {answer}"))?;
    Ok(Answer { head: format!("{}\r\n", head.to_lowercase()), body: body.to_owned() })
}
