//! A client that keeps to the rules for keyed requests.

use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, bail};
use recon_idempotency::IdempotencyKey;
use recon_idempotency::client::{Attempts, Next, RetryPolicy, Seen, retry_after};

use crate::world::over_http;
use crate::{Call, Reply, World};

/// Longer than a server works on any request.
const ATTEMPT_TIME_MAX: Duration = Duration::from_secs(75);

/// Sends requests under a key, and repeats them as the rules for clients say.
#[derive(Debug)]
pub struct KeyedClient<'a> {
    target: Target<'a>,
    policy: RetryPolicy,
}

#[derive(Debug)]
enum Target<'a> {
    World(&'a World),
    Address(reqwest::Client, String),
}

impl<'a> KeyedClient<'a> {
    /// A client of a world.
    #[must_use]
    pub fn of(world: &'a World) -> Self {
        Self { target: Target::World(world), policy: RetryPolicy::default() }
    }

    /// A client of whatever is at this address, `http://HOST:PORT`.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn at(address: &str) -> Result<Self> {
        let client = reqwest::Client::builder().timeout(ATTEMPT_TIME_MAX).build().context("make a client")?;
        Ok(Self { target: Target::Address(client, address.to_owned()), policy: RetryPolicy::default() })
    }

    /// The same with other limits.
    #[must_use]
    pub fn within(self, policy: RetryPolicy) -> Self {
        Self { policy, ..self }
    }

    /// Sends the request under this key until it is answered, and returns that answer, whatever its status.
    ///
    /// # Errors
    /// When the key belongs to another request, or the limits are reached: the message has what was seen last.
    pub async fn send(&self, call: &Call, key: &IdempotencyKey) -> Result<Reply> {
        let (call, mut attempts) = (call.clone().key(&key.to_header()), Attempts::new(self.policy));
        loop {
            let reply = self.attempt(&call).await;
            if reply.is_err() && matches!(self.target, Target::World(World::Functions(_))) {
                // There is no network that could have failed.
                return reply;
            }
            match next(&mut attempts, &reply) {
                Next::Done => return reply,
                Next::Again { after } => tokio::time::sleep(after).await,
                Next::NewKey => bail!("the request needs a new key: {}", last(&reply)),
                Next::GiveUp => bail!("given up after {} attempts: {}", attempts.failed(), last(&reply)),
            }
        }
    }

    async fn attempt(&self, call: &Call) -> Result<Reply> {
        match &self.target {
            Target::World(world) => world.call(call).await,
            Target::Address(client, address) => over_http(client, address, call).await,
        }
    }
}

fn next(attempts: &mut Attempts, reply: &Result<Reply>) -> Next {
    let Ok(reply) = reply else { return attempts.next(&Seen::NoAnswer, Instant::now()) };
    let problem = reply.json().unwrap_or_default();
    let seen = Seen::Answer {
        status: reply.status,
        code: problem["code"].as_str(),
        retry_after: reply.header("retry-after").and_then(retry_after),
    };
    attempts.next(&seen, Instant::now())
}

fn last(reply: &Result<Reply>) -> Error {
    match reply {
        Ok(reply) => anyhow!("{} {}", reply.status, String::from_utf8_lossy(&reply.body)),
        Err(error) => anyhow!("{error:#}"),
    }
}
