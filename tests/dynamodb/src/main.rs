//! A DynamoDB for tests: dynoxide, an emulator over SQLite, in memory, on a port of 127.0.0.1. It prints its endpoint on one line and
//! serves until its input ends. The suite `dynamodb` calls it.

use std::error::Error;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;

use dynoxide::Database;
use dynoxide::server::serve_on;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const USAGE: &str = "usage: recon-dynamodb [--port PORT]";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 0,
        ["--port", port] => port.parse().map_err(|_| USAGE)?,
        _ => return Err(USAGE.into()),
    };
    let runtime = Runtime::new()?;
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, port)))?;
    let address = listener.local_addr()?;
    runtime.spawn(serve_on(listener, Database::memory()?));
    let mut output = io::stdout();
    writeln!(output, "http://{address}")?;
    output.flush()?;
    // Whoever started this closes it, or has ended.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    runtime.shutdown_background();
    Ok(())
}
