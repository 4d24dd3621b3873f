//! A router as a Lambda function behind a load balancer.

mod answer;
mod event;

use axum::Router;
use http::Request;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;
use tower::ServiceExt as _;

use self::event::Dialect;
use crate::download::IsDownload;
use crate::problem;

/// Answers events until Lambda ends the process.
///
/// # Errors
/// When the runtime API cannot be polled.
pub(crate) async fn serve_events(router: Router) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let router = router.clone();
        async move { Ok::<_, lambda_runtime::Error>(respond(router, &event.payload).await) }
    }))
    .await
}

/// The answer to one event. Whatever the event is, there is one.
pub(crate) async fn respond(router: Router, event: &Value) -> Value {
    let dialect = Dialect::of(event);
    let request = event::request(event, dialect).unwrap_or_else(|problem| {
        // It goes the way of all requests, which gives it an id and a line in the log, and ends before the handler.
        let mut request = Request::default();
        request.extensions_mut().insert(problem);
        request
    });
    let Ok(response) = router.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let is_file = parts.extensions.get::<IsDownload>().is_some();
    match answer::collect(body, is_file).await {
        Ok(body) => answer::answer(&parts, &body, dialect),
        Err(problem) => {
            let id = parts
                .headers
                .get(crate::RequestId::HEADER)
                .and_then(|id| id.to_str().ok())
                .unwrap_or_default();
            tracing::error!(request_id = id, code = %problem.code, detail = problem.detail, "answer not sent");
            let (refused, body) = problem::document(problem, id).into_parts();
            let body = answer::collect(body, is_file).await.unwrap_or_default();
            answer::answer(&refused, &body, dialect)
        }
    }
}
