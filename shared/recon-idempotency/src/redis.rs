//! Keys in Redis, away from the effect: for remote effects.
//!
//! One script has all verbs, so each is one command that nothing comes between, on the server's clock. A key lives as
//! long as its record is retained, never as long as a lease.
//!
//! A server that throws keys away when its memory is full is refused ([`Error::Evicting`]). What no setting rules out: a
//! failover to a replica that has not got the last writes yet loses claims, and an append-only file that is synced once a
//! second loses the last second at a power loss. Derived ids make an effect that runs again find the first one.

mod connection;
mod wire;

use std::fmt;
use std::time::Duration;

use ::redis::cluster::ClusterClient;
use ::redis::{Client, Script};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::OnceCell;

use self::connection::{Connection, Servers, in_time};
use self::wire::{Argument, Columns, row};
use crate::found::{self, Drawn, Ending, Found};
use crate::metrics::StoreKind;
use crate::sql::AnswerColumns;
use crate::transition::Event;
use crate::{
    Body, Claim, ClaimStore, Claimed, Completion, Entry, Error, Extension, Held, IdempotencyKey, RecordId,
    Release, Scope, StoreTime, StoredResponse, Unanswered,
};

/// How long a verb may take when nothing else is said; then its outcome is unknown.
const RESPONSE_MAX: Duration = Duration::from_millis(250);
/// The script counts in doubles, which are exact up to here: the year 2255.
const TIME_MAX: StoreTime = StoreTime::from_micros(9_007_199_254_740_991);

const KIND: StoreKind = StoreKind::Redis;

const DECIDE: &str = include_str!("redis/decide.lua");
const VERBS: &str = include_str!("redis/verbs.lua");

/// Claims for remote effects.
pub struct Store {
    servers: Servers,
    prefix: String,
    response_max: Duration,
    connection: OnceCell<Connection>,
    script: Script,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("servers", &self.servers)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// What the script answers: its decision, and what it decided about.
struct Answered {
    decision: String,
    found: Option<Found>,
    now: StoreTime,
}

impl Store {
    /// Over one server, whose keys get this prefix. Nothing is opened before the first use.
    #[must_use]
    pub fn new(client: Client, prefix: impl Into<String>) -> Self {
        Self::over(Servers::One(Box::new(client)), prefix.into())
    }

    /// Over a cluster, whose keys get this prefix, which needs no `{tag}`: a verb has one key. Nothing is opened before the first use.
    #[must_use]
    pub fn cluster(client: ClusterClient, prefix: impl Into<String>) -> Self {
        Self::over(Servers::Cluster(Box::new(client)), prefix.into())
    }

    /// The same with another limit for how long a verb may take, instead of a quarter of a second.
    #[must_use]
    pub fn response_within(self, limit: Duration) -> Self {
        Self { response_max: limit, ..self }
    }

    fn over(servers: Servers, prefix: String) -> Self {
        let script = Script::new(&[DECIDE, VERBS].concat());
        Self { servers, prefix, response_max: RESPONSE_MAX, connection: OnceCell::new(), script }
    }

    /// Checks that the server is there and keeps what it is given.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::Evicting`].
    pub async fn check(&self) -> Result<(), Error> {
        let mut connection = self.connection().await?;
        let ping = ::redis::cmd("PING");
        in_time(self.response_max, ping.query_async::<()>(&mut connection)).await
    }

    async fn connection(&self) -> Result<Connection, Error> {
        self.connection.get_or_try_init(|| self.servers.connect(self.response_max)).await.cloned()
    }

    async fn call(&self, id: RecordId, arguments: &[Argument<'_>]) -> Result<Answered, Error> {
        let mut connection = self.connection().await?;
        let mut invocation = self.script.prepare_invoke();
        invocation.key(self.key(id));
        for argument in arguments {
            invocation.arg(argument);
        }
        let answer = in_time(self.response_max, invocation.invoke_async(&mut connection)).await?;
        let (decision, now, columns): (String, i64, Columns) = answer;
        let (found, now) = row(now, columns)?.read()?;
        Ok(Answered { decision, found, now })
    }

    fn key(&self, id: RecordId) -> String {
        let digits = id.as_bytes().iter().map(|byte| format!("{byte:02x}"));
        format!("{}idempotency:{}", self.prefix, digits.collect::<String>())
    }

    /// Calls a verb of a holder.
    async fn end(
        &self,
        claim: &Claim,
        event: &Event,
        verb: &str,
        rest: &[Argument<'_>],
    ) -> Result<(Ending, StoreTime), Error> {
        let proof = claim.proof;
        let mut arguments = vec![
            Argument::Text(verb),
            Argument::Bytes(proof.fingerprint.as_bytes()),
            Argument::Bytes(proof.claim_token.as_bytes()),
            Argument::Integer(i64::try_from(proof.fence).unwrap_or(i64::MAX)),
        ];
        arguments.extend_from_slice(rest);
        let Answered { decision, found, now } = self.call(claim.id, &arguments).await?;
        let ending = found::end(found, event, now)?;
        let expected = match ending {
            Ending::Apply => "apply",
            Ending::EndLease => "end_lease",
            Ending::Lost(_) => "lost",
        };
        agreed(&decision, expected)?;
        Ok((ending, now))
    }
}

impl ClaimStore for Store {
    fn claim<'a>(
        &'a self,
        request: &'a Unanswered,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claimed, Error>> {
        async move {
            let drawn = Drawn::random()?;
            let arguments = [
                Argument::Text("claim"),
                Argument::Bytes(request.fingerprint.as_bytes()),
                Argument::Bytes(drawn.claim_token.as_bytes()),
                Argument::Bytes(drawn.seed.as_bytes()),
                Argument::Text(&request.method),
                Argument::Text(&request.path),
                Argument::Duration(lease),
                Argument::Duration(request.retention),
            ];
            let Answered { decision, found, now } = self.call(request.record_id(), &arguments).await?;
            let claimed = found::begin(found, request, now, || Ok(drawn))?;
            agreed(&decision, if matches!(claimed, Claimed::Run(_)) { "run" } else { "answer" })?;
            Ok(claimed)
        }
        .inspect(|claimed| KIND.claimed(claimed))
        .boxed()
    }

    fn complete<'a>(
        &'a self,
        claim: &'a Claim,
        response: &'a StoredResponse,
    ) -> BoxFuture<'a, Result<Completion, Error>> {
        async move {
            response.storable()?;
            let answer = AnswerColumns::of(response);
            let (body, column) = match response.body() {
                Body::Inline(bytes) => (bytes.as_slice(), "body"),
                Body::Reference(id) => (id.as_bytes().as_slice(), "reference"),
            };
            let arguments = [
                Argument::Duration(claim.retention),
                Argument::Integer(i64::from(response.status())),
                Argument::Text(answer.headers.as_deref().unwrap_or_default()),
                Argument::Bytes(body),
                Argument::Text(column),
            ];
            let event = Event::Complete(claim.proof);
            let (ending, now) = self.end(claim, &event, "complete", &arguments).await?;
            Ok(match ending {
                Ending::Apply => Completion::Stored { expires_at: plus(now, claim.retention) },
                Ending::Lost(held) => Completion::Lost(held),
                Ending::EndLease => return Err(Error::Raced),
            })
        }
        .inspect(|completed| KIND.completed(claim, completed))
        .boxed()
    }

    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Release, Error>> {
        async move {
            let (ending, _) = self.end(claim, &Event::Release(claim.proof), "release", &[]).await?;
            Ok(match ending {
                Ending::Apply | Ending::EndLease => Release::Released,
                Ending::Lost(_) => Release::Lost,
            })
        }
        .inspect(|released| KIND.released(released))
        .boxed()
    }

    fn extend<'a>(&'a self, claim: &'a Claim, lease: Duration) -> BoxFuture<'a, Result<Extension, Error>> {
        async move {
            let event = Event::Extend(claim.proof);
            let (ending, now) = self.end(claim, &event, "extend", &[Argument::Duration(lease)]).await?;
            Ok(match ending {
                Ending::Apply => Extension::Extended { lease_until: plus(now, lease) },
                Ending::Lost(_) => Extension::Lost,
                Ending::EndLease => return Err(Error::Raced),
            })
        }
        .inspect(|extended| KIND.extended(extended))
        .boxed()
    }

    fn look_up<'a>(&'a self, request: &'a Unanswered) -> BoxFuture<'a, Result<Option<Held>, Error>> {
        async move {
            let read = self.call(request.record_id(), &[Argument::Text("read")]).await?;
            found::look_up(read.found, request, read.now)
        }
        .inspect(|found| KIND.asked(found))
        .boxed()
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        key: &'a IdempotencyKey,
    ) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        async move {
            let read = self.call(RecordId::of(scope, key), &[Argument::Text("read")]).await?;
            Ok(found::entry(read.found, read.now))
        }
        .inspect(|found| KIND.asked(found))
        .boxed()
    }

    /// The server itself deletes what has expired.
    fn purge_expired(&self, _batch: u32) -> BoxFuture<'_, Result<u64, Error>> {
        ready(Ok(0)).boxed()
    }
}

/// The record is changed already when the two differ, so nobody may act on either.
fn agreed(decision: &str, expected: &str) -> Result<(), Error> {
    if decision == expected { Ok(()) } else { Err(Error::Corrupt { column: "decision" }) }
}

fn plus(now: StoreTime, duration: Duration) -> StoreTime {
    now.plus(duration).min(TIME_MAX)
}

#[cfg(test)]
mod tests;
