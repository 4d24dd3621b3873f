//! A backend that notes what it gets.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};

/// How long the rest of a request's head may take.
const READ_MAX: Duration = Duration::from_secs(10);

/// What it does with a request once it has its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// It closes the connection.
    Silent,
    /// It answers with 200, then closes the connection.
    Friendly,
}

/// A backend on a free port, ended with this value.
pub(super) struct Backend {
    port: u16,
    heads: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Backend {
    pub(super) fn start(manner: Manner) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("listen on a free port")?;
        let port = listener.local_addr().context("ask for the own port")?.port();
        let (heads, over) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let thread = thread::spawn({
            let (heads, over) = (Arc::clone(&heads), Arc::clone(&over));
            move || {
                for stream in listener.incoming().flatten() {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    attend(&stream, manner, &heads);
                }
            }
        });
        Ok(Self { port, heads, over, thread: Some(thread) })
    }

    pub(super) const fn port(&self) -> u16 {
        self.port
    }

    /// The heads of the requests so far, in small letters.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn attend(stream: &TcpStream, manner: Manner, heads: &Mutex<Vec<String>>) {
    // Without the limit a request that does not come would hold up the next; it is one of this machine's.
    let _ = stream.set_read_timeout(Some(READ_MAX));
    let mut head = String::new();
    for line in BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        head.push_str(&line.to_lowercase());
        head.push_str("\r\n");
    }
    heads.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    if manner == Manner::Friendly {
        let mut stream = stream;
        // Whoever does not read the answer finds out by itself.
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // It waits for a connection, so it gets one.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
