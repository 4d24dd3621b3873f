//! Clients that cost little: a thread and a connection each, requests as bytes.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::cpu;

/// What a turn came to.
pub(crate) struct Run {
    pub(crate) answers: u64,
    pub(crate) per_second: f64,
    /// How long the clients themselves were on a processor.
    pub(crate) cpu: Duration,
}

/// Sends requests for this long, each with a new key, or all with the same one.
pub(crate) fn run(port: u16, path: &str, replays: bool, clients: usize, time: Duration) -> Result<Run> {
    static KEYS: AtomicU64 = AtomicU64::new(0);
    let same = format!("the-same-for-{port}");
    if replays {
        // What there is to replay: those that come while it is made would be told to wait.
        one(port, path, || same.clone(), Instant::now())?;
    }
    let begun = Instant::now();
    let (answers, cpu) = thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| -> Result<(u64, Duration)> {
                    let key = || match replays {
                        true => same.clone(),
                        false => format!("key-{}", KEYS.fetch_add(1, Ordering::Relaxed)),
                    };
                    let answers = one(port, path, key, begun + time)?;
                    Ok((answers, cpu::of_thread()))
                })
            })
            .collect();
        let mut sums = (0, Duration::ZERO);
        for client in clients {
            let (answers, cpu): (u64, Duration) =
                client.join().map_err(|_| anyhow!("a client panicked"))??;
            sums = (sums.0 + answers, sums.1 + cpu);
        }
        anyhow::Ok(sums)
    })?;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let per_second = answers as f64 / begun.elapsed().as_secs_f64();
    Ok(Run { answers, per_second, cpu })
}

fn one(port: u16, path: &str, key: impl Fn() -> String, until: Instant) -> Result<u64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("connect to the server")?;
    stream.set_nodelay(true).context("set up the connection")?;
    let mut reader = BufReader::new(stream.try_clone().context("share the connection")?);
    let mut answers = 0;
    loop {
        let body = r#"{"name":"one","size":1}"#;
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\nidempotency-key: {}\r\n\
             content-length: {}\r\n\r\n{body}",
            key(),
            body.len()
        );
        stream.write_all(request.as_bytes()).context("send")?;
        let status = answer(&mut reader)?;
        ensure!(status.is_some_and(|status| (200..300).contains(&status)), "{path} answered {status:?}");
        answers += 1;
        if Instant::now() >= until {
            return Ok(answers);
        }
    }
}

/// Reads one answer to its end and gives its status.
fn answer(reader: &mut BufReader<TcpStream>) -> Result<Option<u16>> {
    let (mut status, mut length) = (None, 0);
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line).context("read")? > 0, "the server closed the connection");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest.get(..3).and_then(|digits| digits.parse().ok());
        } else if let Some((_, value)) =
            line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        {
            length = value.trim().parse().context("read the length")?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).context("read the body")?;
    Ok(status)
}
