//! The way through the product that most tests begin with.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::{Call, Folder, World};

/// How long a job may take in a test before it is taken for stuck.
const JOB_MAX: Duration = Duration::from_secs(120);

/// An account that can sign in.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its email.
    pub email: String,
    /// Its password.
    pub password: String,
}

/// Adds a user with `recon user add`, in the workspace of this name.
///
/// # Errors
/// When the command fails or prints no password.
pub fn add_user(folder: &Folder, email: &str, role: &str, workspace: &str) -> Result<Account> {
    let printed = folder.recon(&[
        "user",
        "add",
        email,
        "--role",
        role,
        "--workspace",
        workspace,
        "--format",
        "json",
    ])?;
    let user: Value = serde_json::from_str(&printed).with_context(|| format!("user add said {printed}"))?;
    let password = user["password"].as_str().context("user add printed no password")?.to_owned();
    Ok(Account { email: email.to_owned(), password })
}

/// Signs in and returns the token.
///
/// # Errors
/// When that is refused.
pub async fn sign_in(world: &World, account: &Account) -> Result<String> {
    let body = json!({ "email": account.email, "password": account.password });
    let session = world.call(&Call::new("POST", "/v1/sessions").json(&body)).await?.expect(201)?;
    Ok(session["token"].as_str().context("no token")?.to_owned())
}

/// Creates a dataset and uploads its bytes, without completing it. `name` makes the key, so a repetition replays.
///
/// # Errors
/// When a step is refused.
pub async fn upload(world: &World, token: &str, name: &str, bytes: Vec<u8>) -> Result<String> {
    let create = Call::new("POST", "/v1/datasets")
        .bearer(token)
        .key(&format!("create-{name}"))
        .json(&json!({ "name": name, "format": "auto", "options": {} }));
    let dataset = world.call(&create).await?.expect(201)?;
    let id = dataset["id"].as_str().context("no id")?.to_owned();
    let path = format!("/v1/datasets/{id}/content");
    let put = Call::new("PUT", &path).bearer(token).header("content-type", "text/csv").bytes(bytes);
    world.call(&put).await?.expect(204)?;
    Ok(id)
}

/// Completes an uploaded dataset.
///
/// # Errors
/// When that is refused.
pub async fn complete(world: &World, token: &str, id: &str) -> Result<Value> {
    let path = format!("/v1/datasets/{id}/complete");
    let call = Call::new("POST", &path)
        .bearer(token)
        .key(&format!("complete-{id}"))
        .json(&json!({ "sha256": null }));
    world.call(&call).await?.expect(202)
}

/// Asks for a reconciliation; the answer is the one to `POST /v1/reconciliations`.
///
/// # Errors
/// When that is refused.
pub async fn reconcile(
    world: &World,
    token: &str,
    key: &str,
    (left, right): (&str, &str),
    rules: &Value,
) -> Result<Value> {
    let call = Call::new("POST", "/v1/reconciliations")
        .bearer(token)
        .key(key)
        .json(&json!({ "name": "demo", "left": left, "right": right, "rules": rules }));
    world.call(&call).await?.expect(202)
}

/// Gets `path` until its `status` is none of `passing`.
///
/// # Errors
/// When it takes too long.
pub async fn settled(world: &World, token: &str, path: &str, passing: &[&str]) -> Result<Value> {
    let started = Instant::now();
    loop {
        let value = world.call(&Call::new("GET", path).bearer(token)).await?.expect(200)?;
        let status = value["status"].as_str().unwrap_or_default();
        if !passing.contains(&status) {
            return Ok(value);
        }
        if started.elapsed() > JOB_MAX {
            bail!("{path} is still {status}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until a dataset is ingested.
///
/// # Errors
/// When it takes too long.
pub async fn ingested(world: &World, token: &str, id: &str) -> Result<Value> {
    settled(world, token, &format!("/v1/datasets/{id}"), &["ingesting"]).await
}

/// Waits until a reconciliation is at an end.
///
/// # Errors
/// When it takes too long.
pub async fn finished(world: &World, token: &str, id: &str) -> Result<Value> {
    settled(world, token, &format!("/v1/reconciliations/{id}"), &["queued", "running"]).await
}

/// Every item of a list, page by page.
///
/// # Errors
/// When a page is refused.
pub async fn all_items(world: &World, token: &str, path: &str, limit: u32) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let separator = if path.contains('?') { '&' } else { '?' };
        let cursor_part = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let call = Call::new("GET", &format!("{path}{separator}limit={limit}{cursor_part}")).bearer(token);
        let page = world.call(&call).await?.expect(200)?;
        items.extend(page["items"].as_array().context("no items")?.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(items),
        }
    }
}
