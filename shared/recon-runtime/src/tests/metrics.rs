//! What clients can make of the metrics of requests: nothing new.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use recon_contract::route::{self, Access};
use tower::ServiceExt as _;

use super::world::World;
use crate::metrics::Metrics;
use crate::{Mount as _, app};

/// How many requests are made up.
const REQUESTS: u32 = 6_000;

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn of<'a, T>(&mut self, among: &'a [T]) -> &'a T {
        &among[self.below(among.len())]
    }

    /// Letters, digits and what paths have besides.
    fn word(&mut self) -> String {
        const SIGNS: &[u8] = b"abcXYZ0189-_.~%2Fe:@!$&'()*+,;={}";
        (0..=self.below(12)).map(|_| char::from(*self.of(SIGNS))).collect()
    }

    fn path(&mut self) -> String {
        let template = self.of(route::ALL).path;
        let mut path: String = template
            .split('/')
            .skip(1)
            .map(|part| match (part.starts_with('{'), self.below(8)) {
                (true, _) | (false, 0) => format!("/{}", self.word()),
                (false, 1) => format!("/{part}{}", self.word()),
                _ => format!("/{part}"),
            })
            .collect();
        if self.below(4) == 0 {
            path.push_str(&format!("/{}", self.word()));
        }
        if self.below(2) == 0 {
            path.push_str(&format!("?{}={}", self.word(), self.word()));
        }
        path
    }

    /// Anything that a client can put into a request.
    fn request(&mut self) -> Option<Request<Body>> {
        const METHODS: [&str; 9] =
            ["GET", "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT"];
        let method = match self.below(4) {
            0 => format!("M{}", self.below(10_000)),
            _ => (*self.of(&METHODS)).to_owned(),
        };
        let path = match self.below(10) {
            0 => format!("http://{}.example/{}", self.below(10_000), self.word()),
            _ => self.path(),
        };
        let request = Request::builder().method(method.as_str()).uri(path);
        let request = request.header("host", format!("{}.example", self.word()));
        let request = request.header("x-request-id", self.word()).header("user-agent", self.word());
        // The status that the handler is to answer with.
        let status = (200 + self.below(400)).to_string();
        request.header("status", status).body(Body::empty()).ok()
    }
}

/// Answers as it is asked to.
async fn answer(headers: HeaderMap) -> StatusCode {
    headers["status"].to_str().unwrap().parse::<u16>().unwrap().try_into().unwrap()
}

async fn panics() -> StatusCode {
    panic!("a bug in a handler")
}

/// Every route of the table, one of which fails.
fn router() -> Router {
    let open = route::ALL.iter().map(|route| route::Route { access: Access::Public, ..*route });
    let mounted = open.map(|route| match route.path {
        route if route == route::DOCS.path => route::DOCS.mount(panics),
        _ => route.mount(answer),
    });
    mounted.fold(Router::new(), Router::merge)
}

/// The names and labels of every series of requests.
fn series(metrics: &Metrics) -> BTreeSet<String> {
    let text = metrics.render();
    let samples = text.lines().filter(|line| line.starts_with("http_"));
    samples.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn no_request_makes_a_series() {
    let world = World::empty();
    let metrics = Metrics::start(&world.platform);
    let app = app(router(), &world.platform);
    let before = series(&metrics);
    // A route and method of the table, all classes; refusals of all else: sixteen lines each, and what is in flight.
    let paths: BTreeSet<_> = route::ALL.iter().map(|route| route.path).collect();
    let methods: BTreeSet<_> = route::ALL.iter().map(|route| route.method).collect();
    let listed = route::ALL.len() * 4 + paths.len() + methods.len() + 1;
    assert_eq!(before.len(), listed * 16 + 1);

    let mut numbers = Numbers(7);
    let (mut sent, mut classes) = (0, BTreeSet::new());
    for _ in 0..REQUESTS {
        let Some(request) = numbers.request() else { continue };
        let Ok(response) = app.clone().oneshot(request).await;
        sent += 1;
        classes.insert(response.status().as_u16() / 100);
    }
    assert!(sent > REQUESTS / 2, "{sent} of {REQUESTS} were requests");
    assert_eq!(classes, BTreeSet::from([2, 3, 4, 5]));
    let after = series(&metrics);
    assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(after, before);
}
