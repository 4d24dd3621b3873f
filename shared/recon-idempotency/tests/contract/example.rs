//! The example that the README sends its readers to, as a process.

use std::process::Stdio;

use reqwest::StatusCode;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

use crate::world::PATIENCE;

#[tokio::test]
async fn the_example_answers_as_its_first_lines_say() {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(2).unwrap().join("examples/axum");
    let mut command = Command::new(program);
    let started = command.arg("127.0.0.1:0").stdout(Stdio::piped()).kill_on_drop(true).spawn();
    let mut service = started.expect("`cargo build --examples` makes it");
    let mut lines = BufReader::new(service.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("it listens").unwrap().unwrap();
    let url = format!("{}/things", line.strip_prefix("listening on ").unwrap());
    let client = reqwest::Client::new();
    let ask = async |body: &'static str| {
        let reply = client.post(&url).header("idempotency-key", "one").body(body).send().await.unwrap();
        let is_replay = reply.headers().contains_key("idempotency-replayed");
        (reply.status(), is_replay, reply.text().await.unwrap())
    };
    assert_eq!(ask("a thing").await, (StatusCode::CREATED, false, "thing 1\n".to_owned()));
    assert_eq!(ask("a thing").await, (StatusCode::CREATED, true, "thing 1\n".to_owned()));
    let (status, _, problem) = ask("another").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(problem.contains("idempotency_key_reused"), "{problem}");
    service.kill().await.unwrap();
}
