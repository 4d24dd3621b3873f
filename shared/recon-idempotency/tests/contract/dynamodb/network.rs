//! Servers that are not there, do not answer, or have no room, and answers that are lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use recon_idempotency::{ClaimStore, Completion, Error, Held, dynamodb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::{Keys, client};
use crate::sample::{LEASE, REQUEST, answer, held, running, unanswered};

/// Ten times the limit of a request, for a machine that is busy.
const QUICKLY: Duration = Duration::from_secs(30);

async fn unavailable(endpoint: &str) -> String {
    let store = dynamodb::Store::new(client(endpoint), "keys").response_within(Duration::from_secs(1));
    let begun = Instant::now();
    let failed = store.claim(&unanswered(&REQUEST), LEASE).await.unwrap_err();
    assert!(begun.elapsed() < QUICKLY);
    let Error::Unavailable { source } = failed else { panic!("{failed:?}") };
    format!("{source:?}")
}

#[tokio::test]
async fn dynamodb_that_is_not_there_or_does_not_answer_or_throttles_runs_nothing() {
    unavailable("http://127.0.0.1:1").await;

    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    unavailable(&format!("http://{}", silent.local_addr().unwrap())).await;

    let full = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", full.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let throttles = tokio::spawn(async move {
        loop {
            let (mut connection, _) = full.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            _ = connection.read(&mut [0; 8192]).await;
            let body =
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"slow down"}"#;
            let head = format!(
                "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            _ = connection.write_all((head + body).as_bytes()).await;
        }
    });
    assert!(unavailable(&endpoint).await.contains("ThrottlingException"));
    assert!((1..=3).contains(&asked.load(Ordering::SeqCst)), "asked {asked:?} times");
    throttles.abort();
}

/// Passes everything on, but for the first answer to each request of this kind, which it loses with the connection.
async fn loses_answers(target: &'static str, endpoint: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let lost = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        loop {
            let (near, _) = listener.accept().await.unwrap();
            tokio::spawn(pass(near, endpoint.clone(), target, Arc::clone(&lost)));
        }
    });
    address
}

async fn pass(mut near: TcpStream, endpoint: String, target: &str, lost: Arc<AtomicUsize>) {
    let mut far = TcpStream::connect(endpoint.trim_start_matches("http://")).await.unwrap();
    let (mut question, mut answer) = (vec![0; 65_536], vec![0; 65_536]);
    let mut loses = false;
    loop {
        tokio::select! {
            Ok(length) = near.read(&mut question) => {
                let part = &question[..length];
                let header = format!("dynamodb_20120810.{target}").to_ascii_lowercase();
                if String::from_utf8_lossy(part).to_ascii_lowercase().contains(&header) {
                    loses = lost.fetch_add(1, Ordering::SeqCst) == 0;
                }
                if length == 0 || far.write_all(part).await.is_err() { return; }
            }
            Ok(length) = far.read(&mut answer) => {
                if length == 0 || loses || near.write_all(&answer[..length]).await.is_err() { return; }
            }
            else => return,
        }
    }
}

#[tokio::test]
async fn dynamodb_write_that_is_sent_again_because_its_answer_was_lost_counts_once() {
    let keys = Keys::open().await;
    let real = recon_testkit::DynamoDb::shared().unwrap().endpoint();
    let store = async |target| {
        let lossy = Keys { client: client(&loses_answers(target, real.clone()).await), ..keys.clone() };
        lossy.store()
    };
    let claims = store("PutItem").await;
    let claim = running(claims.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    assert_eq!(claim.fence(), 1);

    let completes = store("UpdateItem").await;
    let stored = completes.complete(&claim, &answer("done")).await.unwrap();
    let Completion::Stored { expires_at } = stored else { panic!("{stored:?}") };
    let replay = Held::Replay { response: answer("done"), expires_at };
    assert_eq!(held(claims.claim(&unanswered(&REQUEST), LEASE).await.unwrap()), replay);
    // What is completed once more by its holder is not taken for that.
    assert_eq!(claims.complete(&claim, &answer("done")).await.unwrap(), Completion::Lost(Some(replay)));
}
