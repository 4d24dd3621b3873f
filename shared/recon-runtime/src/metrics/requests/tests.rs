//! Requests on a recorder of their own.

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use super::*;

fn requests() -> (&'static Requests, PrometheusHandle) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let requests = ::metrics::with_local_recorder(&recorder, Requests::new);
    (Box::leak(Box::new(requests)), recorder.handle())
}

fn request(method: &str) -> Request {
    http::Request::builder().method(method).body(Body::empty()).unwrap()
}

#[track_caller]
fn assert_says(handle: &PrometheusHandle, line: &str) {
    let text = handle.render();
    assert!(text.lines().any(|found| found == line), "{line} is not in {text}");
}

#[test]
fn a_request_is_in_flight_until_its_body_is_dropped_and_is_counted_once() {
    let (requests, handle) = requests();
    let in_flight = InFlight::among(requests, &request("GET"));
    assert_says(&handle, "http_requests_in_flight 1");
    let mut response = Response::new(Body::from("whole"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let response = in_flight.answer(response);
    assert_eq!(hyper::body::Body::size_hint(response.body()).exact(), Some(5));
    let counted = r#"http_requests_total{route="other",method="GET",status="4xx"} 1"#;
    assert_says(&handle, counted);
    assert_says(&handle, "http_requests_in_flight 1");
    drop(response);
    assert_says(&handle, "http_requests_in_flight 0");
    assert_says(&handle, counted);
}

#[test]
fn a_client_that_hangs_up_is_counted_and_leaves_nothing_in_flight() {
    let (requests, handle) = requests();
    drop(InFlight::among(requests, &request("POST")));
    assert_says(&handle, r#"http_requests_total{route="other",method="POST",status="4xx"} 1"#);
    assert_says(&handle, "http_requests_in_flight 0");
}

#[test]
fn each_answer_is_counted_at_the_words_of_the_route_table() {
    let (requests, _) = requests();
    let place = |route: &str, method: &str| {
        let answers = requests.answers(Some(route), &method.parse().unwrap());
        (answers.route, answers.method)
    };
    assert_eq!(place("/v1/datasets/{id}", "GET"), ("/v1/datasets/{id}", "GET"));
    assert_eq!(place("/v1/datasets/{id}", "HEAD"), ("/v1/datasets/{id}", "GET"));
    assert_eq!(place("/v1/datasets/{id}", "PUT"), ("/v1/datasets/{id}", "OTHER"));
    assert_eq!(place("/v1/datasets/{id}", "BREW"), ("/v1/datasets/{id}", "OTHER"));
    assert_eq!(place("/somewhere", "DELETE"), ("other", "DELETE"));
    assert_eq!(place("/somewhere", "get"), ("other", "OTHER"));
    assert_eq!(requests.answers(None, &Method::PATCH).method, "OTHER");
    let classes = [200, 204, 304, 401, 499, 500, 503]
        .map(|status| Class::of(StatusCode::from_u16(status).unwrap()).as_str());
    assert_eq!(classes, ["2xx", "2xx", "3xx", "4xx", "4xx", "5xx", "5xx"]);
}
