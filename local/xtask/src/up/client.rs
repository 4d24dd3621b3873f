//! The few calls of the HTTP API that the demo needs.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

/// Longer than the server works on any request.
const TIMEOUT: Duration = Duration::from_secs(75);
const JSON: &str = "application/json";

/// A caller, signed in or not yet.
pub(crate) struct Client {
    agent: Agent,
    address: String,
    authorization: String,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).build();
        Self { agent: agent.into(), address: address.to_owned(), authorization: String::new() }
    }

    /// Whether the server answers at all.
    pub(crate) fn is_up(&self) -> bool {
        let answer = self.agent.get(format!("{}/health", self.address)).call();
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    pub(crate) fn sign_in(&mut self, email: &str, password: &str) -> Result<()> {
        let body = serde_json::json!({"email": email, "password": password});
        let request = self.agent.post(self.url("/v1/sessions")).content_type(JSON);
        let opened = answer("POST /v1/sessions", request.send(body.to_string()))?;
        self.authorization = format!("Bearer {}", text(&opened, "/token")?);
        Ok(())
    }

    pub(crate) fn get(&self, path: &str) -> Result<Value> {
        let request = self.agent.get(self.url(path)).header("Authorization", &self.authorization);
        answer(&format!("GET {path}"), request.call())
    }

    /// Posts a document under an idempotency key.
    pub(crate) fn post(&self, path: &str, body: &Value, key: &str) -> Result<Value> {
        let request = self.agent.post(self.url(path)).content_type(JSON).header("Idempotency-Key", key);
        let request = request.header("Authorization", &self.authorization);
        answer(&format!("POST {path}"), request.send(body.to_string()))
    }

    /// Sends a file's bytes to where the server said, with the headers that it said. A signed address is somebody else's, who
    /// does not get the token.
    pub(crate) fn put(&self, upload: &Value, bytes: &[u8]) -> Result<()> {
        let url = text(upload, "/url")?;
        let mut request = self.agent.put(self.url(url)).content_type("text/csv");
        for (name, value) in upload["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        if url.starts_with('/') {
            request = request.header("Authorization", &self.authorization);
        }
        let place = url.split('?').next().unwrap_or_default();
        answer(&format!("PUT {place}"), request.send(bytes)).map(drop)
    }

    /// A path of this server, or an address as it is.
    fn url(&self, path: &str) -> String {
        if path.starts_with('/') { format!("{}{path}", self.address) } else { path.to_owned() }
    }
}

/// A text in an answer.
pub(crate) fn text<'a>(answer: &'a Value, pointer: &str) -> Result<&'a str> {
    let found = answer.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("the answer has no {pointer}: {answer}"))
}

fn answer(call: &str, response: Result<Response<Body>, ureq::Error>) -> Result<Value> {
    let mut response = response.with_context(|| call.to_owned())?;
    let body = response.body_mut().read_to_string().with_context(|| format!("{call}: read the answer"))?;
    if !response.status().is_success() {
        bail!("{call}: {}: {body}", response.status());
    }
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&body).with_context(|| format!("{call}: the answer is not JSON: {body}"))
}
