//! A client that keeps to its contract: it asks again with the same key until it is answered, and waits as long as it is told.

use std::io;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// How long one answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// How long a client asks again.
const ASK_MAX: Duration = Duration::from_secs(30);
/// The pause where nobody says how long it should be.
const PAUSE: Duration = Duration::from_millis(200);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// What a client may build on.
    pub(crate) fn promise(&self) -> (u16, Option<&str>, &[u8]) {
        (self.status, self.header("location"), &self.body)
    }

    /// Whether the same key has to be asked for again.
    fn is_for_later(&self) -> bool {
        matches!(self.status, 409 | 429 | 502..=504)
    }
}

/// Asks once. An answer that is cut off is none.
pub(crate) async fn ask(port: u16, key: &str) -> io::Result<Answer> {
    let asked = timeout(ANSWER_MAX, exchange(port, key)).await;
    asked.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

async fn exchange(port: u16, key: &str) -> io::Result<Answer> {
    let cut_off = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!(
        "POST /things HTTP/1.1\r\nhost: chaos\r\nconnection: close\r\nidempotency-key: {key}\r\n\
         content-type: text/plain\r\ncontent-length: 7\r\n\r\na thing"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").ok_or_else(cut_off)?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(cut_off)?;
    let answer = Answer { status, head, body: bytes.split_off(end + 4) };
    let length = answer.header("content-length").and_then(|length| length.parse().ok());
    if length == Some(answer.body.len()) { Ok(answer) } else { Err(cut_off()) }
}

/// Asks until there is an answer that counts, beginning with what the first try came to.
pub(crate) async fn until_answered(port: u16, key: &str, first: io::Result<Answer>) -> Result<Answer> {
    let (begun, mut last) = (Instant::now(), first);
    loop {
        let pause = match &last {
            Ok(answer) if !answer.is_for_later() => return last.context("answered"),
            Ok(answer) => answer.header("retry-after").and_then(|seconds| seconds.parse().ok()),
            Err(_) => None,
        };
        if begun.elapsed() > ASK_MAX {
            bail!("no answer after {} s; the last try: {last:?}", ASK_MAX.as_secs());
        }
        sleep(pause.map_or(PAUSE, Duration::from_secs)).await;
        last = ask(port, key).await;
    }
}
