//! A database that is some way off: on loopback a round trip costs nothing, and no deployment is like that.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};

const BYTES: usize = 64 * 1024;

/// Starts a relay to a port of this machine which hands everything on after half a round trip, in either direction, and
/// gives its own port. Whoever asks and waits for the answer, as a connection to PostgreSQL does, sees the round trip.
pub(crate) fn relay(to: u16, round_trip: Duration) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("listen for the relay")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            // A connection that cannot be made is closed, and whoever asked says so.
            _ = join(near, to, round_trip / 2);
        }
    });
    Ok(port)
}

fn join(near: TcpStream, to: u16, delay: Duration) -> Result<()> {
    let far = TcpStream::connect(("127.0.0.1", to))?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    let (back, forth) = ((far.try_clone()?, near.try_clone()?), (near, far));
    for (from, to) in [forth, back] {
        thread::spawn(move || hand_on(from, to, delay));
    }
    Ok(())
}

fn hand_on(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let mut bytes = vec![0; BYTES];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        thread::sleep(delay);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    _ = to.shutdown(Shutdown::Write);
}
