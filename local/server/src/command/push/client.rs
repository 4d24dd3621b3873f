//! Calls to the server, repeated as its contract says.

use std::cell::Cell;
use std::io::Read;
use std::time::{Duration, Instant};

use recon_idempotency::client::{Attempts, Next, RetryPolicy, Seen, retry_after};
use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Body, RequestBuilder, SendBody};

use super::error::Error;
use super::server::Server;
use crate::report;

/// Longer than the server works on any request, and longer than it waits for the end of a run.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(75);
/// How long an upload may stand still.
const UPLOAD_PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long a server may take to settle uploaded bytes on its disk.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(300);
/// How long a download may stand still.
const DOWNLOAD_PAUSE_MAX: Duration = Duration::from_secs(60);
/// How long the first call is repeated: who has not been reached yet may not be there at all. One who has answered is
/// given the time of a restart.
const FIRST_CONTACT_TIME_MAX: Duration = Duration::from_secs(8);
/// How often another address is asked for in place of a signed one that has ended.
pub(super) const ADDRESSES_MORE_MAX: u32 = 2;
/// The most bytes of an answer that is a document.
const DOCUMENT_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Something that may be different the next time, and the pause before it; `None` where patience ends before that.
struct Hindrance {
    words: String,
    pause: Option<Duration>,
}

/// Why an attempt has no answer.
enum Failure {
    /// It did not get through.
    Way(ureq::Error),
    /// There was nothing to send.
    Local(Error),
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        Self::Way(error)
    }
}

/// A caller of one server.
pub(super) struct Client<'s> {
    server: &'s Server,
    has_answered: Cell<bool>,
}

impl<'s> Client<'s> {
    pub(super) const fn new(server: &'s Server) -> Self {
        Self { server, has_answered: Cell::new(false) }
    }

    /// Gets a document.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let call = format!("GET {path}");
        let ask = || {
            let request = self.server.agent.get(self.url(path));
            Ok(self.signed(request).config().timeout_global(Some(ANSWER_TIME_MAX)).build().call()?)
        };
        let body = self.repeated(&call, ask, whole)?;
        serde_json::from_slice(&body).map_err(|source| Error::NotUnderstood { call, source })
    }

    /// Posts a document, under a key where the call has an effect.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Result<T, Error> {
        let call = format!("POST {path}");
        let body = body.to_string();
        let ask = || {
            let mut request = self.server.agent.post(self.url(path)).content_type("application/json");
            if let Some(key) = key {
                request = request.header("Idempotency-Key", key);
            }
            Ok(self.signed(request).config().timeout_global(Some(ANSWER_TIME_MAX)).build().send(&body)?)
        };
        let body = self.repeated(&call, ask, whole)?;
        serde_json::from_slice(&body).map_err(|source| Error::NotUnderstood { call, source })
    }

    /// Sends bytes to where the server said, from their beginning at each attempt.
    pub(super) fn put<R: Read>(
        &self,
        upload: &recon_contract::Upload,
        bytes: u64,
        open: impl Fn() -> Result<R, Error>,
    ) -> Result<(), Error> {
        let call = format!("PUT {}", without_query(&upload.url));
        let send = || {
            let mut content = open().map_err(Failure::Local)?;
            let mut request = self.server.agent.put(self.url(&upload.url));
            // Bytes are sent when the server has agreed to take them, or has not said that it doesn't.
            request = request.header("Content-Length", bytes).header("Expect", "100-continue");
            for (name, value) in &upload.headers {
                request = request.header(name, value);
            }
            if is_own(&upload.url) {
                request = self.signed(request);
            }
            let config = request.config().timeout_per_write(Some(UPLOAD_PAUSE_MAX));
            let request = config.timeout_recv_response(Some(SETTLE_TIME_MAX)).build();
            Ok(request.send(SendBody::from_reader(&mut content))?)
        };
        self.repeated(&call, send, |_| Ok(()))
    }

    /// Gets bytes of any number, as they come.
    pub(super) fn download(&self, path: &str) -> Result<impl Read + use<>, Error> {
        let call = format!("GET {path}");
        let get = |url: &str, with_token: bool| {
            let ask = || {
                let request = self.server.agent.get(url);
                let request = if with_token { self.signed(request) } else { request };
                let config = request.config().timeout_recv_response(Some(ANSWER_TIME_MAX));
                Ok(config.timeout_per_read(Some(DOWNLOAD_PAUSE_MAX)).build().call()?)
            };
            self.repeated(&call, ask, Ok)
        };
        let mut more = 0;
        let answer = loop {
            let answer = get(&self.url(path), true)?;
            let signed = match answer.status().as_u16() {
                303 => header(&answer, "location").map(str::to_owned),
                _ => None,
            };
            let Some(address) = signed else { break answer };
            // The address that the server signed is another server's: the token is not for it.
            match get(&self.url(&address), is_own(&address)) {
                Err(error) if more < ADDRESSES_MORE_MAX && has_ended(&address, &error) => more += 1,
                answer => break answer?,
            }
        };
        Ok(answer.into_body().into_with_config().limit(u64::MAX).reader())
    }

    /// A path of this server, or an address as it is.
    pub(super) fn url(&self, place: &str) -> String {
        if is_own(place) { format!("{}{place}", self.server.address) } else { place.to_owned() }
    }

    fn signed<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        request.header("Authorization", &self.server.authorization)
    }

    /// Repeats what may be answered the next time, as the rules for clients say, with or without a key.
    fn repeated<T>(
        &self,
        call: &str,
        attempt: impl Fn() -> Result<Response<Body>, Failure>,
        take: impl Fn(Response<Body>) -> Result<T, ureq::Error>,
    ) -> Result<T, Error> {
        let mut attempts = Attempts::new(self.policy());
        loop {
            let hindrance = match self.judged(call, attempt(), &mut attempts)? {
                Ok(answer) => match take(answer) {
                    Ok(taken) => return Ok(taken),
                    Err(error) => self.hindrance(call, error, &mut attempts)?,
                },
                Err(hindrance) => hindrance,
            };
            let Some(pause) = hindrance.pause else {
                let seconds = attempts.failing_for(Instant::now()).as_secs();
                return Err(Error::GivenUp { call: call.to_owned(), words: hindrance.words, seconds });
            };
            if attempts.failed() == 1 {
                let seconds = attempts.policy().time_max.as_secs();
                report::say(&format!("{call}: {}; trying again, for up to {seconds} s", hindrance.words));
            }
            std::thread::sleep(pause);
        }
    }

    fn policy(&self) -> RetryPolicy {
        let policy = RetryPolicy::default();
        match self.has_answered.get() {
            true => policy,
            false => RetryPolicy { time_max: FIRST_CONTACT_TIME_MAX, ..policy },
        }
    }

    /// What came in the way, if it may be gone the next time.
    fn hindrance(&self, call: &str, error: ureq::Error, attempts: &mut Attempts) -> Result<Hindrance, Error> {
        let broken = |source| Error::Broken { call: call.to_owned(), source };
        if !is_passing(&error) {
            return Err(broken(error));
        }
        let words = format!("{} does not answer ({error})", self.server.address);
        match attempts.next(&Seen::NoAnswer, Instant::now()) {
            Next::Again { after } => Ok(Hindrance { words, pause: Some(after) }),
            Next::GiveUp => Ok(Hindrance { words, pause: None }),
            Next::Done | Next::NewKey => Err(broken(error)),
        }
    }

    /// An answer that says yes, or what came in the way; an error where it will not go away.
    fn judged(
        &self,
        call: &str,
        attempt: Result<Response<Body>, Failure>,
        attempts: &mut Attempts,
    ) -> Result<Result<Response<Body>, Hindrance>, Error> {
        let mut answer = match attempt {
            Ok(answer) => answer,
            Err(Failure::Way(error)) => return self.hindrance(call, error, attempts).map(Err),
            Err(Failure::Local(error)) => return Err(error),
        };
        self.has_answered.set(true);
        let status = answer.status().as_u16();
        if matches!(status, 200..=299 | 303) {
            return Ok(Ok(answer));
        }
        let retry_after = header(&answer, "retry-after").and_then(retry_after);
        let location = header(&answer, "location").map(str::to_owned);
        let body = answer.body_mut().with_config().limit(DOCUMENT_BYTES_MAX).read_to_string();
        let problem: Value = body.ok().and_then(|body| serde_json::from_str(&body).ok()).unwrap_or_default();
        let code = problem["code"].as_str().unwrap_or_default().to_owned();
        let words = match location {
            Some(location) if (300..400).contains(&status) => {
                format!("{status}, the server is at {location}: give that address")
            }
            Some(_) | None => said(status, &problem),
        };
        match attempts.next(&Seen::Answer { status, code: Some(&code), retry_after }, Instant::now()) {
            Next::Again { after } => return Ok(Err(Hindrance { words, pause: Some(after) })),
            Next::GiveUp => return Ok(Err(Hindrance { words, pause: None })),
            Next::Done | Next::NewKey => {}
        }
        let hint = match status {
            _ if !is_of_server(call) => "",
            401 => "; sign in again and put the new token into RECON_TOKEN",
            403 => "; ask an admin for another role",
            413 => "; UPLOAD_BYTES_MAX of the server decides how much it takes",
            _ => "",
        };
        Err(Error::Refused { call: call.to_owned(), status, code, words, hint })
    }
}

/// Whether a place is this server's own; else it is an address that it signed, or that somebody gave it.
fn is_own(place: &str) -> bool {
    place.starts_with('/')
}

/// Whether a call, method and place, went to the server.
fn is_of_server(call: &str) -> bool {
    call.split_once(' ').is_some_and(|(_, place)| is_own(place))
}

/// Whether a signed address was refused as one is that has ended: by its time, or with the credentials behind it, which may be
/// sooner than its time says. Amazon answers the first with 403 and the second with 400.
pub(super) fn has_ended(address: &str, error: &Error) -> bool {
    !is_own(address) && (error.has_status(403) || error.has_status(400))
}

/// What a problem says, with every place that it names.
fn said(status: u16, problem: &Value) -> String {
    let Some(detail) = problem["detail"].as_str() else {
        return format!("the server answers with {status} and does not say why");
    };
    let mut words = format!("{detail} ({status})");
    for error in problem["errors"].as_array().into_iter().flatten() {
        let part = |name: &str| error[name].as_str().unwrap_or_default();
        words.push_str(&format!("\n{}: {}", part("pointer"), part("detail")));
    }
    words
}

/// Whether the way to the server may be free again the next time.
fn is_passing(error: &ureq::Error) -> bool {
    match error {
        // A certificate that is not trusted comes as invalid data, and stays what it is.
        ureq::Error::Io(error) => error.kind() != std::io::ErrorKind::InvalidData,
        ureq::Error::Timeout(_)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::Protocol(_) => true,
        _ => false,
    }
}

fn whole(mut answer: Response<Body>) -> Result<Vec<u8>, ureq::Error> {
    answer.body_mut().with_config().limit(DOCUMENT_BYTES_MAX).read_to_vec()
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(before, _)| before)
}
