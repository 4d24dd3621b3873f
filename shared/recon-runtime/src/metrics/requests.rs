//! Requests, by route, method and class of their answer.
//!
//! The labels are the route table's words and no client's, so that nobody makes series by asking for something. A path or a
//! method that the table does not have is `other` or `OTHER`; HEAD is GET, as in the table.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Instant;

use ::metrics::{
    Counter, Gauge, Histogram, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::response::Response;
use bytes::Bytes;
use http::{Method, StatusCode};
use hyper::body::{Frame, SizeHint};
use recon_contract::route;

const TOTAL: &str = "http_requests_total";
const DURATION: &str = "http_request_duration_seconds";
const IN_FLIGHT: &str = "http_requests_in_flight";

/// What stands for every path that is no route's.
const OTHER_ROUTE: &str = "other";
/// What stands for every method that the route table has nowhere, and at a route for every one that it has elsewhere.
const OTHER_METHOD: &str = "OTHER";

/// Requests are counted here, if they are.
static REQUESTS: OnceLock<Requests> = OnceLock::new();

/// Every series there can be.
struct Requests {
    in_flight: Gauge,
    routes: HashMap<&'static str, ByMethod>,
    other: ByMethod,
}

/// The series of a route.
struct ByMethod {
    known: Vec<Answers>,
    other: Answers,
}

/// The series of a route and method, by class. Those that are not expected begin when they are needed.
struct Answers {
    route: &'static str,
    method: &'static str,
    classes: [OnceLock<Answered>; 4],
}

struct Answered {
    total: Counter,
    duration: Histogram,
}

#[derive(Clone, Copy)]
enum Class {
    Success,
    Redirection,
    ClientError,
    ServerError,
}

/// Begins with every series that is to be expected: each class for what the route table has, and refusals of all else.
pub(super) fn start() {
    REQUESTS.get_or_init(Requests::new);
}

impl Requests {
    fn new() -> Self {
        let about = "Requests, by route, method and class of the answer; 4xx also where the client hung up before it. \
            Health probes count, what is no HTTP does not.";
        describe_counter!(TOTAL, about);
        let about = "From the head of a request to the head of its answer, or until the client hung up. \
            How long the body takes is the client's affair.";
        describe_histogram!(DURATION, Unit::Seconds, about);
        let about = "Requests whose answer is not yet written. What goes on after a client hung up is none.";
        describe_gauge!(IN_FLIGHT, about);
        let in_flight = gauge!(IN_FLIGHT);
        in_flight.set(0);
        let mut methods: Vec<_> = route::ALL.iter().map(|route| route.method.as_str()).collect();
        methods.sort_unstable();
        methods.dedup();
        let refused = methods.into_iter().map(|method| Answers::refused(OTHER_ROUTE, method));
        let other = ByMethod { known: refused.collect(), other: Answers::refused(OTHER_ROUTE, OTHER_METHOD) };
        let mut routes = HashMap::new();
        for route in route::ALL {
            let new = || ByMethod { known: Vec::new(), other: Answers::refused(route.path, OTHER_METHOD) };
            let answers = Answers::starting(route.path, route.method.as_str(), &Class::ALL);
            routes.entry(route.path).or_insert_with(new).known.push(answers);
        }
        Self { in_flight, routes, other }
    }

    fn answers(&self, route: Option<&str>, method: &Method) -> &Answers {
        let by_method = route.and_then(|route| self.routes.get(route)).unwrap_or(&self.other);
        let method = if method == Method::HEAD { Method::GET.as_str() } else { method.as_str() };
        by_method.known.iter().find(|answers| answers.method == method).unwrap_or(&by_method.other)
    }
}

impl Answers {
    fn refused(route: &'static str, method: &'static str) -> Self {
        Self::starting(route, method, &[Class::ClientError])
    }

    fn starting(route: &'static str, method: &'static str, expected: &[Class]) -> Self {
        let answers = Self { route, method, classes: Default::default() };
        for class in expected {
            answers.of(*class).total.increment(0);
        }
        answers
    }

    fn of(&self, class: Class) -> &Answered {
        let labels = || [("route", self.route), ("method", self.method), ("status", class.as_str())];
        self.classes[class as usize].get_or_init(|| Answered {
            total: counter!(TOTAL, &labels()),
            duration: histogram!(DURATION, &labels()),
        })
    }
}

impl Class {
    const ALL: [Self; 4] = [Self::Success, Self::Redirection, Self::ClientError, Self::ServerError];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
        }
    }

    const fn of(status: StatusCode) -> Self {
        match status.as_u16() {
            ..300 => Self::Success,
            300..400 => Self::Redirection,
            400..500 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

/// A request that is being answered, until this is dropped.
pub(crate) struct InFlight {
    requests: &'static Requests,
    answers: &'static Answers,
    began: Instant,
    /// Whether it is counted already.
    is_answered: bool,
}

impl InFlight {
    /// A request that begins; `None` where nothing is counted.
    pub(crate) fn begin(request: &Request) -> Option<Self> {
        REQUESTS.get().map(|requests| Self::among(requests, request))
    }

    fn among(requests: &'static Requests, request: &Request) -> Self {
        let route = request.extensions().get().map(MatchedPath::as_str);
        let answers = requests.answers(route, request.method());
        requests.in_flight.increment(1);
        Self { requests, answers, began: Instant::now(), is_answered: false }
    }

    /// Counts the answer, and holds on until its body is written, or given up.
    pub(crate) fn answer(mut self, response: Response) -> Response {
        self.count(Class::of(response.status()));
        response.map(|body| Body::new(Written { body, _in_flight: self }))
    }

    fn count(&mut self, class: Class) {
        let answered = self.answers.of(class);
        answered.total.increment(1);
        answered.duration.record(self.began.elapsed());
        self.is_answered = true;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.is_answered {
            self.count(Class::ClientError);
        }
        self.requests.in_flight.decrement(1);
    }
}

/// A body whose request is in flight until it is written.
struct Written {
    body: Body,
    _in_flight: InFlight,
}

impl hyper::body::Body for Written {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
