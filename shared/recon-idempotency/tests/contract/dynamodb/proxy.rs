//! What stands between a store and its DynamoDB, and goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::client;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    /// It is carried out, and its answer is lost with the connection.
    Lost,
    /// It is not carried out, and nobody says so.
    Silent,
    /// It is not carried out but refused with this answer.
    Refused(String),
}

/// An error of DynamoDB, as it says it.
pub(super) fn refused(error: &str) -> Fault {
    refusal(error, &serde_json::json!({}))
}

/// A transaction that is cancelled for these reasons, one for each of its writes.
pub(super) fn cancelled(reasons: &[&str]) -> Fault {
    let reasons: Vec<_> = reasons.iter().map(|code| serde_json::json!({ "Code": code })).collect();
    refusal("TransactionCanceledException", &serde_json::json!({ "CancellationReasons": reasons }))
}

fn refusal(error: &str, more: &serde_json::Value) -> Fault {
    let mut body = more.clone();
    body["__type"] = format!("com.amazonaws.dynamodb.v20120810#{error}").into();
    let body = body.to_string();
    Fault::Refused(format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n{body}", body.len()))
}

/// Passes everything on but the first `times` requests of one kind.
#[derive(Debug, Clone)]
pub(super) struct Proxy {
    target: String,
    fault: Fault,
    times: usize,
    asked: Arc<AtomicUsize>,
}

impl Proxy {
    pub(super) fn new(target: &str, fault: Fault, times: usize) -> Self {
        let target = format!("x-amz-target: dynamodb_20120810.{}\r\n", target.to_ascii_lowercase());
        Self { target, fault, times, asked: Arc::default() }
    }

    /// How many requests of the kind there were.
    pub(super) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// A client of the tests' DynamoDB that goes through this.
    pub(super) async fn client(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (proxy, real) = (self.clone(), recon_testkit::DynamoDb::shared().unwrap().endpoint());
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(real.trim_start_matches("http://")).await.unwrap();
                tokio::spawn(proxy.clone().pass(near, far));
            }
        });
        client(&address)
    }

    async fn pass(self, mut near: TcpStream, mut far: TcpStream) {
        let (mut question, mut answer) = (Vec::new(), vec![0; 65_536]);
        let mut loses = false;
        loop {
            tokio::select! {
                Ok(length) = near.read_buf(&mut question) => {
                    if length == 0 { return; }
                    let Some(head) = head_of_whole(&question) else { continue };
                    let is_meant = head.contains(&self.target);
                    if is_meant && self.asked.fetch_add(1, Ordering::SeqCst) < self.times {
                        match &self.fault {
                            Fault::Lost => loses = true,
                            Fault::Silent => { question.clear(); continue; }
                            Fault::Refused(answer) => {
                                if near.write_all(answer.as_bytes()).await.is_err() { return; }
                                question.clear();
                                continue;
                            }
                        }
                    }
                    if far.write_all(&question).await.is_err() { return; }
                    question.clear();
                }
                Ok(length) = far.read(&mut answer) => {
                    if length == 0 || loses || near.write_all(&answer[..length]).await.is_err() { return; }
                }
                else => return,
            }
        }
    }
}

/// The head of a request in small letters, once all of the request is there.
fn head_of_whole(question: &[u8]) -> Option<String> {
    let end = question.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&question[..end]).to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
    let length: usize = length.map_or(0, |digits| digits.trim().parse().unwrap());
    (question.len() >= end + length).then_some(head)
}
