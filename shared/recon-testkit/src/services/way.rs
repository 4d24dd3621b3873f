//! The way to a server, which a test may close.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

const OPEN: u8 = 0;
const CLOSED: u8 = 1;
const SILENT: u8 = 2;
const SILENT_TO_WRITES: u8 = 3;

/// A port of 127.0.0.1 from which everything goes on to another one, as long as the way is open.
#[derive(Debug, Clone)]
pub struct Way {
    port: u16,
    traffic: Arc<Traffic>,
}

#[derive(Debug, Default)]
struct Traffic {
    state: AtomicU8,
    heard: Mutex<Vec<u8>>,
}

impl Way {
    /// An open way to a port of this host.
    ///
    /// # Errors
    /// When no port is free.
    pub fn to(target: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("listen on a free port")?;
        let way = Self { port: listener.local_addr()?.port(), traffic: Arc::default() };
        let traffic = Arc::clone(&way.traffic);
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let traffic = Arc::clone(&traffic);
                std::thread::spawn(move || pass(near, target, &traffic));
            }
        });
        Ok(way)
    }

    /// Where it begins.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// What was said on it so far to the server.
    #[must_use]
    pub fn heard(&self) -> String {
        let heard = self.traffic.heard.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&heard).into_owned()
    }

    /// Whoever comes is let through again.
    pub fn open(&self) {
        self.traffic.state.store(OPEN, Ordering::SeqCst);
    }

    /// Connections end at once, those that stand as soon as somebody says something.
    pub fn close(&self) {
        self.traffic.state.store(CLOSED, Ordering::SeqCst);
    }

    /// Over HTTP: what is to be written is taken and never arrives, and the rest is as it was.
    pub fn silence_writes(&self) {
        self.traffic.state.store(SILENT_TO_WRITES, Ordering::SeqCst);
    }

    /// Connections stand, and nothing ever comes back.
    pub fn silence(&self) {
        self.traffic.state.store(SILENT, Ordering::SeqCst);
    }
}

fn pass(near: TcpStream, target: u16, traffic: &Arc<Traffic>) {
    if traffic.state.load(Ordering::SeqCst) == CLOSED {
        return;
    }
    let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else { return };
    let (Ok(back_from), Ok(back_to)) = (far.try_clone(), near.try_clone()) else { return };
    let back = Arc::clone(traffic);
    std::thread::spawn(move || copy(back_from, back_to, &back, |_| {}));
    copy(near, far, traffic, |said| {
        traffic.heard.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(said);
    });
}

fn copy(mut from: TcpStream, mut to: TcpStream, traffic: &Traffic, listen: impl Fn(&[u8])) {
    let mut bytes = [0; 16 * 1024];
    // What was swallowed once is not continued: its end alone would be nonsense.
    let mut is_silent = false;
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        listen(&bytes[..count]);
        let state = traffic.state.load(Ordering::SeqCst);
        is_silent |= state == SILENT_TO_WRITES
            && [&b"PUT "[..], b"POST "].iter().any(|method| bytes.starts_with(method));
        match state {
            // It is taken, and never arrives.
            SILENT => {}
            _ if is_silent => {}
            CLOSED => break,
            _ if to.write_all(&bytes[..count]).is_err() => break,
            _ => {}
        }
    }
    // The other direction ends with this one.
    for end in [&from, &to] {
        _ = end.shutdown(Shutdown::Both);
    }
}
