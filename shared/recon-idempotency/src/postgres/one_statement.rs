//! Claim, effect and answer in one statement, for effects whose answer is known before they run.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, FromRow, Row as _};

use crate::found::{self, Drawn, begin};
use crate::sql::{AnswerColumns, Row};
use crate::{ClaimOutcome, Claimed, Error, Guard, StoreTime, StoredResponse};

/// The text of a statement that claims a key, stores its answer and has the effects, all at once, and that gives what the
/// key holds where it may not.
///
/// It takes a precondition and the effects, each an item of a `with` clause. The effects select from `idempotency_claim`, which has
/// one row when the request may run: its key was unknown, and the precondition is true. Otherwise it has none, nothing is
/// written, not even a lock, and no key is left. The parameters `$1` to `$11` are [`CompletedClaim::arguments`](crate::postgres::CompletedClaim::arguments); the
/// statement's own begin with `$12`, in the precondition as well.
///
/// The statement has one row always, which [`CompletedClaim::outcome`](crate::postgres::CompletedClaim::outcome) reads.
///
/// ```
/// use recon_idempotency::completed_claim;
///
/// const THING_CREATE: &str = concat!(
///     "-- thing_create\n",
///     completed_claim!(
///         "exists (select from boxes where id = $13 and open)",
///         "thing as (insert into things (name, box) select $12, $13 from idempotency_claim)"
///     )
/// );
/// ```
#[macro_export]
macro_rules! completed_claim {
    ($precondition:expr, $($effect:expr),+ $(,)?) => {
        concat!(
            "with idempotency_claim as (
    insert into idempotency_keys (id, fingerprint, method, path, state, fence, claim_token, seed, lease_until, expires_at,
        status, headers, body, reference)
    select $1, $2, $3, $4, 'completed', 1, $5, $6, null,
        (extract(epoch from clock_timestamp()) * 1000000)::bigint + $7, $8, $9, $10, $11
    where ",
            $precondition,
            "
    on conflict (id) do nothing
    returning id
)",
            $(", ", $effect,)+
            "
select claim.id is not null as claimed, (extract(epoch from clock_timestamp()) * 1000000)::bigint as now,
    k.fingerprint, k.method, k.path, k.state, k.fence, k.claim_token, k.seed, k.lease_until, k.expires_at, k.status, k.headers,
    k.body, k.reference
from (select) one left join idempotency_claim claim on true
    left join idempotency_keys k on k.id = $1 and claim.id is null"
        )
    };
}

/// What [`completed_claim!`](crate::completed_claim) writes for a key: the record with its answer.
#[derive(Debug)]
pub struct CompletedClaim {
    arguments: PgArguments,
    response: StoredResponse,
}

impl CompletedClaim {
    /// Renders the answer for the value that the effect is going to have.
    ///
    /// # Errors
    /// [`Error::Unstorable`] for an answer that must not be kept, [`Error::Random`].
    pub fn new<T>(guard: &Guard<T>, value: &T) -> Result<Self, Error> {
        let request = guard.request();
        let response = guard.render(value);
        response.storable()?;
        // As a request without a record is decided.
        let Claimed::Run(claim) = begin(None, request, StoreTime::from_micros(0), Drawn::random)? else {
            return Err(Error::Raced);
        };
        let answer = AnswerColumns::of(&response);
        let retention = StoreTime::from_micros(0).plus(request.retention).micros();
        let mut arguments = PgArguments::default();
        let mut add = || {
            arguments.add(claim.id.as_bytes().as_slice())?;
            arguments.add(request.fingerprint.as_bytes().as_slice())?;
            arguments.add(request.method.as_str())?;
            arguments.add(request.path.as_str())?;
            arguments.add(claim.proof.claim_token.as_bytes().as_slice())?;
            arguments.add(claim.seed.as_bytes().as_slice())?;
            arguments.add(retention)?;
            arguments.add(answer.status)?;
            arguments.add(answer.headers.as_deref())?;
            arguments.add(answer.body)?;
            arguments.add(answer.reference)
        };
        add().map_err(sqlx::Error::Encode)?;
        Ok(Self { arguments, response })
    }

    /// The values of `$1` to `$11`, for `sqlx::query_with` and its like, on which the statement's own are bound.
    #[must_use]
    pub fn arguments(&self) -> PgArguments {
        self.arguments.clone()
    }

    /// The outcome, as the statement's row says: the value and the answer where it ran, else what the key holds.
    ///
    /// `None` where nothing ran and the key holds nothing that answers: the precondition is false, the key has expired,
    /// its lease has ended, or it was taken or given up at that very moment. Look it up then, and run the effect in a
    /// transaction by [`guarded`](crate::postgres::guarded), which decides it.
    ///
    /// # Errors
    /// [`Error::Corrupt`], and [`Error::Database`] for a row of another statement.
    pub fn outcome<T>(
        self,
        guard: &Guard<T>,
        value: T,
        row: &PgRow,
    ) -> Result<Option<ClaimOutcome<T>>, Error> {
        if row.try_get("claimed")? {
            return Ok(Some(ClaimOutcome::Fresh { value, response: self.response }));
        }
        let (found, now) = Row::from_row(row)?.read()?;
        Ok(found::look_up(found, guard.request(), now)?.map(ClaimOutcome::from))
    }
}
