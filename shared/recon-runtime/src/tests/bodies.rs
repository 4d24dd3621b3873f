//! What handlers take from requests.

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::Request;
use recon_contract::{CancelReconciliation, NewDataset, ReconciliationQuery, route};
use recon_domain::{DatasetId, ReconciliationId, UserRole};

use super::world::{Answered, World, json, request};
use crate::{Answer, Content, Keyed, Mount as _, Params, PathId, Payload, Refusal, Reply};

async fn name(Payload(new): Payload<NewDataset>) -> Answer<String> {
    Ok(Reply::ok(&new.name))
}

async fn keyed(Keyed { guard, request }: Keyed<NewDataset>) -> Answer<String> {
    drop(guard);
    Ok(Reply::ok(&request.name))
}

async fn post(router: Router, change: impl FnOnce(&mut Request<Body>), body: &str) -> Answered {
    let world = World::new().await;
    let token = world.token(UserRole::Preparer).await;
    let mut request = json("POST", "/v1/datasets", &token, body);
    change(&mut request);
    world.send(router, request).await
}

fn content_type(value: &'static str) -> impl FnOnce(&mut Request<Body>) {
    move |request| {
        request.headers_mut().insert("content-type", value.parse().unwrap());
    }
}

#[tokio::test]
async fn a_json_body_becomes_what_it_means() {
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
        let answered =
            post(route::DATASET_CREATE.mount(name), content_type(kind), r#"{"name":"March"}"#).await;
        assert_eq!((answered.status, answered.body.as_str()), (200, Some("March")), "{kind}");
    }
}

#[tokio::test]
async fn a_body_of_another_type_is_unsupported() {
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let answered =
            post(route::DATASET_CREATE.mount(name), content_type(kind), r#"{"name":"March"}"#).await;
        answered.is_problem(415, "unsupported_media_type");
    }
}

#[tokio::test]
async fn a_client_says_how_long_it_waits_for_its_key() {
    async fn seconds(Keyed { guard, .. }: Keyed<NewDataset>) -> Answer<u64> {
        let left = guard.answering(|()| Ok(Reply::ok(&()))).request().time_to_wait();
        Ok(Reply::ok(&u64::try_from(left.as_millis().div_ceil(1000)).unwrap()))
    }
    for (preferences, wait) in [(&[][..], "0"), (&["wait=7"], "7"), (&["respond-async", "wait=99"], "20")] {
        let change = |request: &mut Request<Body>| {
            request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
            for preference in preferences {
                request.headers_mut().append("prefer", preference.parse().unwrap());
            }
        };
        let answered = post(route::DATASET_CREATE.mount(seconds), change, r#"{"name":"March"}"#).await;
        assert_eq!((answered.status, answered.body.to_string().as_str()), (200, wait));
    }
}

#[tokio::test]
async fn where_nothing_need_be_said_no_body_is_as_good_as_an_empty_document() {
    async fn cancel(
        Keyed { guard, request: CancelReconciliation }: Keyed<CancelReconciliation>,
    ) -> Answer<u8> {
        drop(guard);
        Ok(Reply::ok(&1))
    }
    let plain = "text/plain";
    for (kind, body, status, code) in [
        (None, "", 200, ""),
        (Some(plain), "", 200, ""),
        (Some("application/json"), "", 200, ""),
        (Some("application/json"), "{}", 200, ""),
        (Some(plain), "{}", 415, "unsupported_media_type"),
        (None, "{}", 415, "unsupported_media_type"),
        (Some("application/json"), r#"{"reason":"late"}"#, 422, "validation_failed"),
    ] {
        let change = |request: &mut Request<Body>| {
            *request.uri_mut() =
                "/v1/reconciliations/00000000-0000-0000-0000-000000000001/cancel".parse().unwrap();
            request.headers_mut().insert("idempotency-key", "k".parse().unwrap());
            request.headers_mut().remove("content-type");
            if let Some(kind) = kind {
                request.headers_mut().insert("content-type", kind.parse().unwrap());
            }
        };
        let answered = post(route::RECONCILIATION_CANCEL.mount(cancel), change, body).await;
        match status {
            200 => assert_eq!(answered.status, 200, "{kind:?} {body}"),
            status => answered.is_problem(status, code),
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_read_is_malformed_and_one_that_means_nothing_is_invalid() {
    for (body, status, code, pointer) in [
        ("", 400, "malformed_body", None),
        ("{", 400, "malformed_body", None),
        ("\u{feff}{}", 400, "malformed_body", None),
        ("[]", 422, "validation_failed", Some("")),
        (r#"{"name":7}"#, 422, "validation_failed", Some("/name")),
        (r#"{"name":"a","colour":1}"#, 422, "validation_failed", Some("/colour")),
    ] {
        let answered = post(route::DATASET_CREATE.mount(name), |_| (), body).await;
        answered.is_problem(status, code);
        assert_eq!(answered.body["errors"][0]["pointer"].as_str(), pointer, "{body}");
    }
}

#[tokio::test]
async fn a_body_that_grows_too_large_is_cut_off() {
    let endless = |request: &mut Request<Body>| {
        let chunks = stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 1024])));
        *request.body_mut() = Body::from_stream(chunks);
    };
    post(route::DATASET_CREATE.mount(name), endless, "").await.is_problem(413, "payload_too_large");
}

#[tokio::test]
async fn a_key_is_read_after_the_document() {
    let router = || route::DATASET_CREATE.mount(keyed);
    let key = |key: &'static str| {
        move |request: &mut Request<Body>| {
            request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        }
    };
    post(router(), |_| (), "{}").await.is_problem(422, "validation_failed");
    post(router(), |_| (), r#"{"name":"a"}"#).await.is_problem(400, "idempotency_key_missing");
    post(router(), key("two words"), r#"{"name":"a"}"#).await.is_problem(400, "idempotency_key_invalid");
    assert_eq!(post(router(), key("k-1"), r#"{"name":"a"}"#).await.status, 200);
}

#[tokio::test]
async fn an_id_has_one_spelling() {
    async fn id(PathId(id): PathId<DatasetId>) -> Answer<String> {
        Ok(Reply::ok(&id.to_string()))
    }
    let world = World::new().await;
    let line = format!("Bearer {}", world.token(UserRole::Viewer).await);
    let good = "018bcfe5-6800-7000-8000-000000000001";
    for (path, status) in [
        (good.to_owned(), 200),
        (good.replace('-', ""), 400),
        (format!("%7B{good}%7D"), 400),
        (format!("urn:uuid:{good}"), 400),
        ("17".to_owned(), 400),
    ] {
        let sent = request("GET", &format!("/v1/datasets/{path}")).header("authorization", &line);
        let answered = world.send(route::DATASET_GET.mount(id), sent.body(Body::empty()).unwrap()).await;
        assert_eq!(answered.status, status, "{path}");
        if status == 400 {
            answered.is_problem(400, "invalid_parameter");
            assert!(answered.body["detail"].as_str().unwrap().contains("`id`"), "{}", answered.body);
        }
    }
}

#[tokio::test]
async fn a_query_names_what_is_wrong_with_it() {
    async fn wait(_: PathId<ReconciliationId>, Params(query): Params<ReconciliationQuery>) -> Answer<u32> {
        Ok(Reply::ok(&query.wait_seconds))
    }
    let world = World::new().await;
    let line = format!("Bearer {}", world.token(UserRole::Viewer).await);
    for (query, expected) in [
        ("", Ok(0)),
        ("?wait=20", Ok(20)),
        ("?%77ait=%35", Ok(5)),
        ("?wait=21", Err("wait")),
        ("?wait=1&wait=2", Err("wait")),
        ("?limit=1", Err("limit")),
        ("?wait=%ff", Err("wait")),
    ] {
        let path = format!("/v1/reconciliations/018bcfe5-6800-7000-8000-000000000001{query}");
        let sent = request("GET", &path).header("authorization", &line).body(Body::empty()).unwrap();
        let answered = world.send(route::RECONCILIATION_GET.mount(wait), sent).await;
        match expected {
            Ok(seconds) => {
                assert_eq!((answered.status, answered.body.as_u64()), (200, Some(seconds)), "{query}")
            }
            Err(name) => {
                answered.is_problem(400, "invalid_parameter");
                assert!(answered.body["detail"].as_str().unwrap().contains(name), "{}", answered.body);
            }
        }
    }
}

/// Sums up a body as it comes; the tests' limit is 1000 bytes.
async fn sum(mut content: Content) -> Answer<usize> {
    let mut bytes = 0;
    while let Some(chunk) = content.next().await {
        bytes += chunk?.len();
    }
    Ok::<_, Refusal>(Reply::ok(&bytes))
}

async fn put(body: Body) -> Answered {
    let world = World::new().await;
    let token = world.token(UserRole::Preparer).await;
    let sent = request("PUT", "/v1/datasets/1/content").header("authorization", format!("Bearer {token}"));
    world.send(route::DATASET_UPLOAD.mount(sum), sent.body(body).unwrap()).await
}

#[tokio::test]
async fn content_is_counted_as_it_comes() {
    let chunks = |count: usize| {
        let chunk = || Ok::<_, std::io::Error>(Bytes::from_static(&[7; 100]));
        Body::from_stream(stream::iter(std::iter::repeat_with(chunk).take(count)))
    };
    assert_eq!(put(chunks(10)).await.body, 1000);
    put(chunks(11)).await.is_problem(413, "payload_too_large");
}

#[tokio::test]
async fn content_that_breaks_off_is_malformed() {
    let chunks = [Ok(Bytes::from_static(b"half")), Err(std::io::Error::other("gone"))];
    put(Body::from_stream(stream::iter(chunks))).await.is_problem(400, "malformed_body");
}
