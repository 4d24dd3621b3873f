//! Claim, effect and answer in one statement, for effects whose answer is known before they run.

use sqlx::Arguments;
use sqlx::postgres::PgArguments;

use crate::found::{Drawn, begin};
use crate::sql::AnswerColumns;
use crate::{ClaimOutcome, Claimed, Error, Guard, StoreTime, StoredResponse};

/// The text of a `with` clause that claims a key and stores its answer at once, to put in front of a statement whose
/// effects select from it.
///
/// The table `idempotency_claim (id)` has one row when the request may run: its key was unknown, has expired, or was
/// held under a lease that has ended. Otherwise it has none, nothing is written, not even a lock, and [`look_up`](crate::postgres::look_up) says
/// what the key holds; if that is nothing, the precondition failed, or the holder has just given up, and the statement may run again.
///
/// The precondition is SQL: where it is false, no key is left. The parameters `$1` to `$11` are
/// [`CompletedClaim::arguments`]; the statement's own begin with `$12`, in the precondition as well. More `with` items
/// follow after a comma.
///
/// ```
/// use recon_idempotency::completed_claim;
///
/// const THING_CREATE: &str = concat!(
///     "-- thing_create\n",
///     completed_claim!("exists (select from boxes where id = $13 and open)"),
///     "insert into things (name, box) select $12, $13 from idempotency_claim returning id"
/// );
/// ```
#[macro_export]
macro_rules! completed_claim {
    ($precondition:expr) => {
        concat!(
            "with idempotency_clock as materialized (
    select (extract(epoch from clock_timestamp()) * 1000000)::bigint as micros
), idempotency_claim as (
    insert into idempotency_keys as k (id, fingerprint, method, path, state, fence, claim_token, seed, lease_until, expires_at,
        status, headers, body, reference)
    select $1, $2, $3, $4, 'completed', 1, $5, $6, null, micros + $7, $8, $9, $10, $11
    from idempotency_clock where ",
            "(",
            $precondition,
            ") and not exists (
        select from idempotency_keys held where held.id = $1 and held.expires_at > micros
            and (held.state = 'completed' or held.lease_until > micros)
    )
    on conflict (id) do update set fingerprint = excluded.fingerprint, method = excluded.method, path = excluded.path,
        state = excluded.state, fence = k.fence + 1, claim_token = excluded.claim_token,
        seed = case when k.expires_at <= (select micros from idempotency_clock) then excluded.seed else k.seed end,
        lease_until = null, expires_at = excluded.expires_at, status = excluded.status, headers = excluded.headers,
        body = excluded.body, reference = excluded.reference
    where k.expires_at <= (select micros from idempotency_clock)
        or (k.fingerprint = excluded.fingerprint and k.state = 'in_progress'
            and k.lease_until <= (select micros from idempotency_clock))
    returning id
)
"
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
        // As a request without a record is decided; the statement counts the fence on, and keeps the seed, where there is one.
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

    /// The outcome when the statement has run: the value, and the answer as it was stored.
    pub fn ran<T>(self, value: T) -> ClaimOutcome<T> {
        ClaimOutcome::Fresh { value, response: self.response }
    }
}
