//! The server that a try starts, as a process of its own.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Command;
use std::task::{Context as Poller, Poll, ready};

use anyhow::{Context as _, Result, anyhow};
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::post;
use axum::serve::Listener;
use clap::Args;
use fail::FailScenario;
use recon_idempotency::Scope;
use recon_idempotency::axum::Keyed;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::handlers::{self, Service};
use crate::plan::Form;
use crate::stores::{self, Keys};

/// The action of a fail point that ends the process.
pub(crate) const KILL: &str = "return(kill)";

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How its handler has its effect
    #[arg(long)]
    form: Form,
    /// The store of keys
    #[arg(long)]
    keys: String,
    /// The file in which remote effects are
    #[arg(long)]
    elsewhere: PathBuf,
}

/// Arms the fail points that the environment names.
pub(crate) fn arm() -> Result<FailScenario<'static>> {
    let scenario = FailScenario::setup();
    for (point, _) in fail::list().into_iter().filter(|(_, action)| action == KILL) {
        fail::cfg_callback(point, kill).map_err(|error| anyhow!(error))?;
    }
    Ok(scenario)
}

/// Ends this process as the machine would. Whoever calls this goes no step further.
fn kill() {
    // Where it cannot be started, the process stands still here, and the try says so.
    _ = Command::new("sh").args(["-c", "kill -9 $PPID"]).status();
    loop {
        std::thread::park();
    }
}

/// Serves on a free port, which it prints.
pub(crate) async fn run(arguments: &Arguments) -> Result<()> {
    let service = Service {
        form: arguments.form,
        keys: Keys::open(&arguments.keys).await?,
        elsewhere: stores::elsewhere(&arguments.elsewhere).await?,
    };
    let create = async |State(service): State<Service>, keyed: Keyed| handlers::create(service, keyed).await;
    let router = Router::new().route("/things", post(create)).layer(from_fn(around)).with_state(service);
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
    println!("{}", listener.local_addr()?.port());
    axum::serve(Watched(listener), router).await.context("serve")
}

/// Everybody is the same caller.
async fn around(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Scope { workspace: Uuid::nil(), principal: Uuid::nil() });
    let response = next.run(request).await;
    fail::fail_point!("before-send");
    response
}

/// Connections of which it is known when all that was said has been sent.
struct Watched(TcpListener);

struct Connection(TcpStream);

impl Listener for Watched {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Connection(stream), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        poller: &mut Poller<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(poller, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        poller: &mut Poller<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(poller, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(poller)
    }

    /// The client asked for one answer only: it is on its way now, with the end of the connection.
    fn poll_shutdown(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<io::Result<()>> {
        let ended = ready!(Pin::new(&mut self.0).poll_shutdown(poller));
        fail::fail_point!("after-send");
        Poll::Ready(ended)
    }
}
