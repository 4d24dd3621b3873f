//! The ways to run the same crates.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{Functions, Server};

/// A request, before it is known how it travels.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Headers beside those that the way adds.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Call {
    /// A request without a body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned(), ..Self::default() }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a session token or API key.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// With an idempotency key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").bytes(body.to_string().into_bytes())
    }

    /// With these bytes as body.
    #[must_use]
    pub fn bytes(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The first header of this name (lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `null` when it is empty.
    ///
    /// # Errors
    /// When it is something else.
    pub fn json(&self) -> Result<Value> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body)
            .with_context(|| format!("not JSON: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The body as JSON, if the status is this one.
    ///
    /// # Errors
    /// When it is another; the message has the body.
    pub fn expect(&self, status: u16) -> Result<Value> {
        ensure!(
            self.status == status,
            "expected {status}, got {}: {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        self.json()
    }
}

/// Where a test sends its requests.
#[derive(Debug)]
pub enum World {
    /// Over HTTP to `recon serve`.
    Server(Server),
    /// As events to the function binaries.
    Functions(Functions),
    /// Over HTTP to whatever is at an address, on connections that are kept.
    Address(reqwest::Client, String),
}

impl World {
    /// What is at this address, `http://HOST:PORT`.
    #[must_use]
    pub fn at(address: &str) -> Self {
        Self::Address(reqwest::Client::new(), address.to_owned())
    }

    /// Sends a request and returns the answer, whatever its status.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn call(&self, call: &Call) -> Result<Reply> {
        match self {
            Self::Server(server) => over_http(&reqwest::Client::new(), server.address(), call).await,
            Self::Functions(functions) => functions.call(call).await,
            Self::Address(client, address) => over_http(client, address, call).await,
        }
    }
}

pub(crate) async fn over_http(client: &reqwest::Client, address: &str, call: &Call) -> Result<Reply> {
    let mut request = client
        .request(call.method.parse().context("the method is none")?, format!("{address}{}", call.path))
        .body(call.body.clone());
    for (name, value) in &call.headers {
        request = request.header(name, value);
    }
    let answer = request.send().await.with_context(|| format!("{} {}", call.method, call.path))?;
    let status = answer.status().as_u16();
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Ok(Reply { status, headers, body: answer.bytes().await?.to_vec() })
}
