//! The Lambda function binaries behind a fake of the Lambda runtime API.

use std::collections::HashMap;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::alb::{self, Headers};
use crate::{Call, Folder, Reply};

/// An event on its way to a function, and where its answer goes.
type Sent = (Value, Waiting);
/// Who waits for an answer: the function's, or the error that it reports.
type Waiting = oneshot::Sender<Result<Value, Value>>;

/// How long a function may take for one event; longer than any time limit of its own.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// Every function of the route table on one folder, each started by its first event.
#[derive(Debug)]
pub struct Functions {
    folder: Arc<Folder>,
    headers: Headers,
    running: Mutex<HashMap<String, Arc<Function>>>,
}

impl Functions {
    /// Functions on this folder, whose target groups send headers this way.
    #[must_use]
    pub fn new(folder: Arc<Folder>, headers: Headers) -> Self {
        Self { folder, headers, running: Mutex::new(HashMap::new()) }
    }

    /// Sends a request through the load balancer's rules.
    ///
    /// # Errors
    /// When no rule fits (a load balancer would answer with its fixed 404), or the function fails to answer.
    pub async fn call(&self, call: &Call) -> Result<Reply> {
        let path = call.path.split('?').next().unwrap_or_default();
        let route = alb::rule(&call.method, path).with_context(|| format!("no rule for {path}"))?;
        alb::reply(&self.invoke(route.function, alb::event(call, self.headers)).await?)
    }

    /// Sends an event to a function and returns its answer.
    ///
    /// # Errors
    /// When the function reports an error, ends, or takes too long.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value> {
        let running = {
            let mut all = self.running.lock().await;
            match all.get(function) {
                Some(running) => running.clone(),
                None => {
                    let started = Arc::new(Function::start(&self.folder, function).await?);
                    all.insert(function.to_owned(), started.clone());
                    started
                }
            }
        };
        running.invoke(event).await.with_context(|| format!("invoke {function}"))
    }
}

/// One function's process and the runtime API that it polls.
#[derive(Debug)]
struct Function {
    child: std::sync::Mutex<Child>,
    events: mpsc::Sender<Sent>,
    api: tokio::task::JoinHandle<()>,
}

/// What the runtime API's handlers share.
struct Api {
    events: Mutex<mpsc::Receiver<Sent>>,
    waiting: Mutex<HashMap<String, Waiting>>,
    count: std::sync::atomic::AtomicU64,
    function: String,
}

impl Function {
    async fn start(folder: &Folder, name: &str) -> Result<Self> {
        let (events, receiver) = mpsc::channel(16);
        let api = Arc::new(Api {
            events: Mutex::new(receiver),
            waiting: Mutex::default(),
            count: 0.into(),
            function: name.to_owned(),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(StatusCode::ACCEPTED))
            .with_state(api);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.context("bind the runtime API")?;
        let address = listener.local_addr()?;
        let api = tokio::spawn(async move {
            // Ends with the test.
            let _ = axum::serve(listener, router).await;
        });
        let log = std::fs::File::create(folder.path().join(format!("{name}.log")))?;
        let child = folder
            .command(name)?
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        Ok(Self { child: std::sync::Mutex::new(child), events, api })
    }

    async fn invoke(&self, event: Value) -> Result<Value> {
        let (sender, receiver) = oneshot::channel();
        self.events.send((event, sender)).await.map_err(|_| anyhow!("the runtime API is gone"))?;
        match tokio::time::timeout(ANSWER_MAX, receiver).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => bail!("the function failed: {error}"),
            Ok(Err(_)) => bail!("the event was dropped"),
            Err(_) => bail!("no answer within {ANSWER_MAX:?}"),
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.api.abort();
        if let Ok(child) = self.child.get_mut() {
            // Already ended is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

async fn next(State(api): State<Arc<Api>>) -> Result<(HeaderMap, String), StatusCode> {
    let (event, sender) = api.events.lock().await.recv().await.ok_or(StatusCode::GONE)?;
    let count = api.count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let id = format!("8476a536-e9f4-11e8-9739-{count:012x}");
    api.waiting.lock().await.insert(id.clone(), sender);
    let mut headers = HeaderMap::new();
    let deadline = std::time::UNIX_EPOCH.elapsed().map_or(0, |now| now.as_millis()) + ANSWER_MAX.as_millis();
    let arn = format!("arn:aws:lambda:eu-central-1:123456789012:function:{}", api.function);
    for (name, value) in [
        ("lambda-runtime-aws-request-id", id),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", "Root=1-5bdb40ca-556d8b0c50dc66f0511bf520;Sampled=0".to_owned()),
    ] {
        let value = HeaderValue::try_from(value).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok((headers, event.to_string()))
}

async fn response(State(api): State<Arc<Api>>, Path(id): Path<String>, body: String) -> StatusCode {
    answer(&api, &id, Ok(serde_json::from_str(&body).unwrap_or(Value::String(body)))).await
}

async fn error(State(api): State<Arc<Api>>, Path(id): Path<String>, body: String) -> StatusCode {
    answer(&api, &id, Err(serde_json::from_str(&body).unwrap_or(Value::String(body)))).await
}

async fn answer(api: &Api, id: &str, result: Result<Value, Value>) -> StatusCode {
    match api.waiting.lock().await.remove(id) {
        // A test that gave up has dropped its end.
        Some(sender) => sender.send(result).map_or(StatusCode::ACCEPTED, |()| StatusCode::ACCEPTED),
        None => StatusCode::BAD_REQUEST,
    }
}
