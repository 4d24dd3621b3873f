//! The admin port of a process in a container, for those who run it: `GET /metrics`, `/health` and `/ready`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use crate::config::AdminConfig;
use crate::container::{Limits, serve_connections};
use crate::metrics::Metrics;
use crate::{Environment, Ids, Platform, Probes, Process, Reply, RequestId, SettingError};

/// The text format of Prometheus.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// A few scrapers, each with a connection for each scrape.
const LIMITS: Limits = Limits {
    connections_max: 16,
    head_time_max: Duration::from_secs(5),
    head_bytes_max: Some(16 * 1024),
    keep_alive: false,
    take_time_max: Duration::from_secs(5),
    time_max: Some(Duration::from_secs(10)),
};

/// Why metrics cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The setting does not read.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The port that somebody asked for cannot be had.
    #[error("cannot serve metrics on {address}: set ADMIN_PORT to another port, or to `off`")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
}

/// A running admin port. It ends when this is dropped, and so outlives the requests and jobs of a process that drains.
#[derive(Debug)]
#[must_use]
pub struct Admin {
    process: Process,
    address: Option<SocketAddr>,
}

impl Admin {
    /// Serves metrics where the environment says. The default port is taken as it comes: where it cannot be had, the
    /// process says so in its log and does without. A port that somebody asked for is another thing.
    ///
    /// # Errors
    /// When a setting does not read, or the port that it names cannot be had.
    pub async fn start(environment: &Environment, platform: &Platform) -> Result<Self, AdminError> {
        let config = AdminConfig::read(environment)?;
        let none = Self { process: Process::new(), address: None };
        let Some(port) = config.port else { return Ok(none) };
        let address = SocketAddr::new(config.bind_address, port);
        let bound = async {
            let listener = TcpListener::bind(address).await?;
            let bound = listener.local_addr()?;
            Ok((listener, bound))
        };
        match bound.await {
            Ok((listener, address)) => Ok(Self::serve(listener, address, platform)),
            Err(source) if config.is_given => Err(AdminError::Listen { address, source }),
            Err(error) => {
                tracing::warn!(%error, %address, "metrics are not served: set ADMIN_PORT to a free port");
                Ok(none)
            }
        }
    }

    /// Where it listens, if it does.
    #[must_use]
    pub const fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    fn serve(listener: TcpListener, address: SocketAddr, platform: &Platform) -> Self {
        let metrics = Arc::new(Metrics::start(platform));
        let process = Process::new();
        let (served, router) = (process.clone(), router(&metrics, platform));
        tokio::spawn(async move {
            tokio::select! {
                () = serve_connections(&served, listener, router, LIMITS) => {}
                () = metrics.keep() => {}
            }
        });
        tracing::info!(address = %format_args!("http://{address}/metrics"), "metrics are served");
        Self { process, address: Some(address) }
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.process.stop();
    }
}

fn router(metrics: &Arc<Metrics>, platform: &Platform) -> Router {
    let metrics = Arc::clone(metrics);
    let probed = Probed { probes: platform.probes.clone(), ids: platform.ids.clone() };
    Router::new()
        .route("/metrics", get(async move || scrape(metrics).await))
        .route("/health", get(async || Reply::ok(&Probes::health())))
        .route("/ready", get(ready))
        .with_state(probed)
}

/// Everything that was counted: a text of some thousand lines, which is put together off the threads that answer requests.
async fn scrape(metrics: Arc<Metrics>) -> Result<impl IntoResponse, StatusCode> {
    let rendered = tokio::task::spawn_blocking(move || metrics.render()).await;
    let text = rendered.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
    Ok(([(CONTENT_TYPE, TEXT_FORMAT)], text))
}

/// What the probes of this port need.
#[derive(Clone)]
struct Probed {
    probes: Probes,
    ids: Ids,
}

/// The same answer as a server's.
async fn ready(State(probed): State<Probed>, headers: HeaderMap) -> Response {
    match probed.probes.ready().await {
        Ok(ready) => Reply::ok(&ready).into_response(),
        Err(refusal) => refusal.into_document(RequestId::of(&headers, &probed.ids).as_str()),
    }
}
