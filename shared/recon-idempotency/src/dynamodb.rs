//! Keys in DynamoDB: claims for remote effects, and local effects in tables of the same account and region.
//!
//! Each verb is one conditional write, and a claim of what others left a second one. Expiry is in the conditions: the table's
//! own time to live only tidies up, days later sometimes. A write that is sent again because its answer was lost is
//! recognised by its token.
//!
//! There is no clock but the callers'. A lease that another one took has ended only [`SKEW_MAX`] after its end on the clock of
//! who asks, so that callers whose clocks differ by less never run at the same time; beyond that, fence and token
//! still let one of them complete. What has expired is told by the caller's clock alone.

mod item;
mod table;
mod transact;
mod write;

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::sync::OnceCell;

use self::item::{Answer, Item, LEASE_UNTIL, Lease};
use self::table::Place;
pub use self::transact::{Effect, GuardedError, WRITES_MAX, guarded};
use self::write::{Table, Written};
use crate::found::{self, Drawn, Ending, Found};
use crate::metrics::StoreKind;
use crate::transition::{Event, RETRY_AFTER_MIN};
use crate::{
    Claim, ClaimStore, Claimed, Completion, Entry, Error, Extension, Held, IdempotencyKey, RecordId, Release,
    Scope, StoreTime, StoredResponse, Unanswered,
};

/// By how much the clocks of two callers may differ. Hosts that follow a time server differ by milliseconds, and seconds when they
/// have just started or lost it; a killed holder's key is blocked for so much longer.
pub const SKEW_MAX: Duration = Duration::from_secs(5);
/// How long a request to DynamoDB may take with all its attempts; then its outcome is unknown.
const RESPONSE_MAX: Duration = Duration::from_secs(3);
/// How often a write is tried whose record others change meanwhile.
const TRIES_MAX: u32 = 5;
const KIND: StoreKind = StoreKind::Dynamodb;

/// Claims in a table.
pub struct Store {
    place: Place,
    table: String,
    clock: Box<dyn Fn() -> StoreTime + Send + Sync>,
    skew_max: Duration,
    response_max: Duration,
    opened: OnceCell<Table>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("table", &self.table).finish_non_exhaustive()
    }
}

/// What a holder does with its record.
enum Change<'a> {
    Complete(&'a StoredResponse),
    Extend(Duration),
    Release,
}

impl Store {
    /// In this table, by this client, whose limits of time and of attempts are replaced. Nothing is opened before the first use.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self::over(Place::Client(Box::new(client)), table.into())
    }

    /// In this table, where the environment of AWS's own tools says: variables, profiles, roles of containers and
    /// functions. They are read at the first use.
    #[must_use]
    pub fn from_environment(table: impl Into<String>) -> Self {
        Self::over(Place::Environment { region: None, endpoint: None }, table.into())
    }

    /// The same in this region, instead of the environment's.
    #[must_use]
    pub fn in_region(mut self, name: impl Into<String>) -> Self {
        if let Place::Environment { region, .. } = &mut self.place {
            *region = Some(name.into());
        }
        self
    }

    /// The same at this address, instead of the region's.
    #[must_use]
    pub fn at_endpoint(mut self, url: impl Into<String>) -> Self {
        if let Place::Environment { endpoint, .. } = &mut self.place {
            *endpoint = Some(url.into());
        }
        self
    }

    /// The same with another limit for how long a request may take, instead of three seconds.
    #[must_use]
    pub fn response_within(self, limit: Duration) -> Self {
        Self { response_max: limit, ..self }
    }

    /// The same for callers whose clocks differ by at most so much, instead of [`SKEW_MAX`].
    #[must_use]
    pub fn skew_within(self, limit: Duration) -> Self {
        Self { skew_max: limit, ..self }
    }

    /// The same on this clock, instead of the host's.
    #[must_use]
    pub fn on_clock(self, clock: impl Fn() -> StoreTime + Send + Sync + 'static) -> Self {
        Self { clock: Box::new(clock), ..self }
    }

    fn over(place: Place, table: String) -> Self {
        Self {
            place,
            table,
            clock: Box::new(host_clock),
            skew_max: SKEW_MAX,
            response_max: RESPONSE_MAX,
            opened: OnceCell::new(),
        }
    }

    /// Checks that the table is there and made for records.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::UnfitTable`].
    pub async fn check(&self) -> Result<(), Error> {
        self.table().await?.check().await
    }

    async fn table(&self) -> Result<&Table, Error> {
        self.opened.get_or_try_init(|| self.place.open(&self.table, self.response_max)).await
    }

    fn now(&self) -> StoreTime {
        (self.clock)()
    }

    fn read(&self, item: Option<&Item>) -> Result<Option<Found>, Error> {
        item.map(|item| item::read(item, self.skew_max)).transpose()
    }

    async fn get(&self, id: RecordId) -> Result<Option<Found>, Error> {
        let item = self.table().await?.get(id).await?;
        self.read(item.as_ref())
    }

    async fn claim_now(&self, request: &Unanswered, lease: Duration) -> Result<Claimed, Error> {
        let table = self.table().await?;
        let Drawn { claim_token, seed } = Drawn::random()?;
        let mut seen: Option<Item> = None;
        for tried in 0..TRIES_MAX {
            let now = self.now();
            let drawn = Drawn { claim_token, seed };
            let claim = match found::begin(self.read(seen.as_ref())?, request, now, || Ok(drawn))? {
                Claimed::Run(claim) => claim,
                Claimed::Held(held) => return Ok(Claimed::Held(held)),
            };
            let lease = Lease::new(now, lease, request.retention, self.skew_max);
            let item = item::in_progress(request, &claim, &lease, self.skew_max);
            match table.put(item, seen.as_ref()).await? {
                Written::Done(_) => return Ok(Claimed::Run(claim)),
                Written::Refused(item) => {
                    if self.read(item.as_ref())?.is_some_and(|found| is_left_by(&claim, &found)) {
                        // The answer to the first sending was lost, and this one came second.
                        return Ok(Claimed::Run(claim));
                    }
                    seen = item;
                }
                Written::Contended => pause(tried).await,
            }
        }
        // Whoever is faster has it now or will have it soon.
        Ok(Claimed::Held(Held::InFlight { retry_after: RETRY_AFTER_MIN }))
    }

    /// Changes the record of a claim, if the claim still holds it, and says on which clock.
    async fn end(
        &self,
        claim: &Claim,
        event: &Event,
        change: &Change<'_>,
    ) -> Result<(Ending, StoreTime), Error> {
        let table = self.table().await?;
        for tried in 0..TRIES_MAX {
            let now = self.now();
            let (mut answer, mut deleted_before) = (None, false);
            let written = match change {
                Change::Complete(response) => {
                    let answer = answer.insert(Answer::new(response, now.plus(claim.retention))?);
                    table.update(claim, now, answer.attributes(self.skew_max), Some(LEASE_UNTIL)).await?
                }
                Change::Extend(lease) => {
                    let lease = Lease::new(now, *lease, claim.retention, self.skew_max);
                    table.update(claim, now, lease.attributes(self.skew_max), None).await?
                }
                Change::Release if claim.fence() > 1 => {
                    table.update(claim, now, item::given_back(), None).await?
                }
                Change::Release => {
                    let (written, sent) = table.delete(claim, now).await?;
                    deleted_before = sent > 1;
                    written
                }
            };
            let (done, item) = match written {
                Written::Done(item) => (true, item),
                Written::Refused(item) => (false, item),
                Written::Contended => {
                    pause(tried).await;
                    continue;
                }
            };
            let found = self.read(item.as_ref())?;
            let own = |found: &Found| answer.as_ref().is_some_and(|answer| answer.is_left_by(claim, found));
            if !done && found.as_ref().is_some_and(own) {
                return Ok((Ending::Apply, now));
            }
            if !done && deleted_before && is_deleted(claim, found.as_ref()) {
                // The answer to the first sending was lost, and this one came second.
                return Ok((Ending::Apply, now));
            }
            let ending = found::end(found, event, now)?;
            // The record is changed already when the two differ, so nobody may act on either.
            if done == matches!(ending, Ending::Lost(_)) {
                return Err(Error::Corrupt { column: "condition" });
            }
            return Ok((ending, now));
        }
        Err(Error::IN_FLIGHT)
    }
}

/// Whether the record is what this claim wrote.
fn is_left_by(claim: &Claim, found: &Found) -> bool {
    found.record.claim_token == claim.proof.claim_token && found.record.fence == claim.proof.fence
}

/// Whether the record of a first claim is gone: nothing is there, or somebody began anew.
fn is_deleted(claim: &Claim, found: Option<&Found>) -> bool {
    found.is_none_or(|found| found.record.fence == 1 && !is_left_by(claim, found))
}

async fn pause(tried: u32) {
    tokio::time::sleep(Duration::from_millis(10 << tried)).await;
}

#[expect(clippy::disallowed_methods, reason = "the host's clock is the default of a clock that is given")]
fn host_clock() -> StoreTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    StoreTime::from_micros(0).plus(since)
}

impl ClaimStore for Store {
    fn claim<'a>(
        &'a self,
        request: &'a Unanswered,
        lease: Duration,
    ) -> BoxFuture<'a, Result<Claimed, Error>> {
        self.claim_now(request, lease).inspect(|claimed| KIND.claimed(claimed)).boxed()
    }

    fn complete<'a>(
        &'a self,
        claim: &'a Claim,
        response: &'a StoredResponse,
    ) -> BoxFuture<'a, Result<Completion, Error>> {
        async move {
            response.storable()?;
            let event = Event::Complete(claim.proof);
            let (ending, now) = self.end(claim, &event, &Change::Complete(response)).await?;
            Ok(match ending {
                Ending::Apply => Completion::Stored { expires_at: now.plus(claim.retention) },
                Ending::Lost(held) => Completion::Lost(held),
                Ending::EndLease => return Err(Error::Raced),
            })
        }
        .inspect(|completed| KIND.completed(claim, completed))
        .boxed()
    }

    fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Release, Error>> {
        async move {
            let (ending, _) = self.end(claim, &Event::Release(claim.proof), &Change::Release).await?;
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
            let (ending, now) = self.end(claim, &Event::Extend(claim.proof), &Change::Extend(lease)).await?;
            Ok(match ending {
                Ending::Apply => Extension::Extended { lease_until: now.plus(lease) },
                Ending::Lost(_) => Extension::Lost,
                Ending::EndLease => return Err(Error::Raced),
            })
        }
        .inspect(|extended| KIND.extended(extended))
        .boxed()
    }

    fn look_up<'a>(&'a self, request: &'a Unanswered) -> BoxFuture<'a, Result<Option<Held>, Error>> {
        async move { found::look_up(self.get(request.record_id()).await?, request, self.now()) }
            .inspect(|found| KIND.asked(found))
            .boxed()
    }

    fn find<'a>(
        &'a self,
        scope: &'a Scope,
        key: &'a IdempotencyKey,
    ) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
        async move { Ok(found::entry(self.get(RecordId::of(scope, key)).await?, self.now())) }
            .inspect(|found| KIND.asked(found))
            .boxed()
    }

    /// The table itself deletes what has expired.
    fn purge_expired(&self, _batch: u32) -> BoxFuture<'_, Result<u64, Error>> {
        ready(Ok(0)).boxed()
    }
}
