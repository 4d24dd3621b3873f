//! Claim, effect and answer in one statement of PostgreSQL.

use futures_util::FutureExt;
use futures_util::future::join_all;
use recon_idempotency::postgres::{self, CompletedClaim};
use recon_idempotency::transition::{Decision, Event, Record, SeedOf, State, decide};
use recon_idempotency::{
    ClaimOutcome, ClaimToken, Error, Fingerprint, Guard, Held, RETENTION_DEFAULT, StoreTime, StoredResponse,
    Unstorable, completed_claim,
};
use sqlx::{PgConnection, PgPool};

use crate::database::{Database, Dialect, Failure};
use crate::sample::{LEASE, OTHER, REQUEST, Thing, answer, guard, running, unanswered, with_key};

const PRECONDITION: &str = "select count(*) > 0 from gate where open";
const CREATE: &str = concat!(
    "-- effect_create\n",
    completed_claim!(
        "exists (select from gate where open)",
        "logged as (insert into effects (row, what) overriding system value select $12 + 100, 'log' from idempotency_claim)",
        "effect as (insert into effects (row, what) overriding system value select $12, 'effect' from idempotency_claim)"
    )
);

async fn open() -> (Database, PgPool) {
    let database = Database::open(Dialect::Postgres).await;
    database.change("create table gate (open boolean not null); insert into gate values (true)").await;
    let Database::Postgres(pool) = &database else { panic!("another one") };
    let pool = pool.clone();
    (database, pool)
}

/// The effect with this row by the one statement alone.
async fn at_once(
    pool: &PgPool,
    guard: &Guard<Thing>,
    row: i64,
) -> Result<Option<ClaimOutcome<Thing>>, Failure> {
    let claim = CompletedClaim::new(guard, &Thing { row })?;
    let given = sqlx::query_with(CREATE, claim.arguments()).bind(row).fetch_one(pool).await?;
    Ok(claim.outcome(guard, Thing { row }, &given)?)
}

/// The same as a caller has it, with a transaction where the statement leaves it open; `None` when the precondition is false.
async fn create(
    pool: &PgPool,
    guard: &Guard<Thing>,
    row: i64,
) -> Result<Option<ClaimOutcome<Thing>>, Failure> {
    if let Some(outcome) = at_once(pool, guard, row).await? {
        return Ok(Some(outcome));
    }
    if let Some(held) = postgres::look_up(&mut *pool.acquire().await?, guard.request()).await? {
        return Ok(Some(held.into()));
    }
    let mut tx = pool.begin().await?;
    let outcome = postgres::guarded(&mut tx, guard, |tx| in_transaction(tx, row).boxed()).await;
    match outcome {
        Ok(outcome) => {
            tx.commit().await?;
            Ok(Some(outcome))
        }
        Err(Failure::Refused) => Ok(None),
        Err(failure) => Err(failure),
    }
}

async fn in_transaction(tx: &mut PgConnection, row: i64) -> Result<Thing, Failure> {
    if !sqlx::query_scalar::<_, bool>(PRECONDITION).fetch_one(&mut *tx).await? {
        return Err(Failure::Refused);
    }
    let effects =
        "insert into effects (row, what) overriding system value values ($1 + 100, 'log'), ($1, 'effect')";
    sqlx::query(effects).bind(row).execute(tx).await?;
    Ok(Thing { row })
}

#[tokio::test]
async fn one_statement_claims_runs_and_answers() {
    let (db, pool) = open().await;
    let outcome = create(&pool, &guard(&REQUEST), 1).await.unwrap().unwrap();
    let ClaimOutcome::Fresh { value, response } = outcome else { panic!("runs") };
    assert_eq!(value, Thing { row: 1 });
    assert_eq!((db.effects().await, db.keys().await), (2, 1));
    let ClaimOutcome::Replay { response: replayed, .. } =
        create(&pool, &guard(&REQUEST), 2).await.unwrap().unwrap()
    else {
        panic!("replays")
    };
    assert_eq!(replayed, response);
    assert_eq!(create(&pool, &guard(&OTHER), 3).await.unwrap(), Some(ClaimOutcome::Mismatch));
    assert_eq!((db.effects().await, db.keys().await), (2, 1));
    // The verbs and the statement write one record.
    let ClaimOutcome::Replay { response: replayed, .. } = db.run(&guard(&REQUEST)).await.unwrap() else {
        panic!("replays")
    };
    assert_eq!(replayed, response);
    let entry = db.store().find(&crate::sample::scope(), &crate::sample::key()).await.unwrap().unwrap();
    assert_eq!((entry.method.as_str(), entry.path.as_str()), ("POST", "/v1/things"));
    let rest = db
        .number("select expires_at - (extract(epoch from clock_timestamp()) * 1000000)::bigint from idempotency_keys")
        .await;
    let day = 24 * 3_600 * 1_000_000;
    assert!((day - 60_000_000..=day).contains(&rest), "{rest}");
}

#[tokio::test]
async fn a_false_precondition_leaves_no_key_and_no_effect() {
    let (db, pool) = open().await;
    db.change("update gate set open = false").await;
    assert_eq!(create(&pool, &guard(&REQUEST), 1).await.unwrap(), None);
    assert_eq!((db.effects().await, db.keys().await), (0, 0));
    db.change("update gate set open = true").await;
    assert!(matches!(create(&pool, &guard(&REQUEST), 1).await.unwrap(), Some(ClaimOutcome::Fresh { .. })));
    // What a key holds is told even when the precondition does not hold any more.
    db.change("update gate set open = false").await;
    assert!(matches!(create(&pool, &guard(&REQUEST), 2).await.unwrap(), Some(ClaimOutcome::Replay { .. })));
    assert_eq!(db.effects().await, 2);
}

#[tokio::test]
async fn a_failed_effect_takes_its_claim_along() {
    let (db, pool) = open().await;
    assert!(matches!(create(&pool, &guard(&REQUEST), 1).await.unwrap(), Some(ClaimOutcome::Fresh { .. })));
    let taken = create(&pool, &with_key(b"key-2").answering(crate::sample::created), 1).await;
    assert!(matches!(taken, Err(Failure::Database(_))), "{taken:?}");
    assert_eq!((db.effects().await, db.keys().await), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_at_the_same_time_have_one_effect_and_one_answer() {
    for aged in [None, Some(LEASE), Some(RETENTION_DEFAULT)] {
        let (db, pool) = open().await;
        if let Some(aged) = aged {
            let _dead = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
            db.age(aged).await;
        }
        let tasks = (1..=24).map(|row| {
            let pool = pool.clone();
            tokio::spawn(async move { create(&pool, &guard(&REQUEST), row).await })
        });
        let (mut fresh, mut answers) = (0, Vec::new());
        for outcome in join_all(tasks).await {
            match outcome.unwrap().unwrap().unwrap() {
                ClaimOutcome::Fresh { response, .. } => {
                    fresh += 1;
                    answers.push(response);
                }
                ClaimOutcome::Replay { response, .. } => answers.push(response),
                outcome => panic!("one statement has no window: {outcome:?}"),
            }
        }
        answers.dedup();
        assert_eq!((fresh, answers.len(), db.effects().await, db.keys().await), (1, 1, 2, 1));
    }
}

#[tokio::test]
async fn an_ended_lease_is_taken_over_with_its_seed_and_an_expired_key_is_not() {
    let (db, pool) = open().await;
    let dead = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    assert!(matches!(create(&pool, &guard(&REQUEST), 1).await.unwrap(), Some(ClaimOutcome::InFlight { .. })));
    assert_eq!(create(&pool, &guard(&OTHER), 1).await.unwrap(), Some(ClaimOutcome::Mismatch));
    let seeds = "create table seeds as select seed, fence from idempotency_keys";
    let same = "select count(*) from seeds join idempotency_keys using (seed)";
    db.change(seeds).await;
    db.age(LEASE).await;
    assert_eq!(create(&pool, &guard(&OTHER), 1).await.unwrap(), Some(ClaimOutcome::Mismatch));
    assert!(matches!(create(&pool, &guard(&REQUEST), 1).await.unwrap(), Some(ClaimOutcome::Fresh { .. })));
    assert_eq!(db.number(same).await, 1);
    assert_eq!(db.number("select fence from idempotency_keys").await, 2);
    let late = db.store().complete(&dead, &answer("late")).await.unwrap();
    assert!(matches!(late, recon_idempotency::Completion::Lost(Some(Held::Replay { .. }))));

    db.age(RETENTION_DEFAULT).await;
    assert!(matches!(create(&pool, &guard(&OTHER), 2).await.unwrap(), Some(ClaimOutcome::Fresh { .. })));
    assert_eq!((db.number(same).await, db.number("select fence from idempotency_keys").await), (0, 3));
}

#[tokio::test]
async fn the_statement_tells_what_a_key_holds_and_writes_nothing() {
    let (db, pool) = open().await;
    let Some(ClaimOutcome::Fresh { response, .. }) = at_once(&pool, &guard(&REQUEST), 1).await.unwrap()
    else {
        panic!("runs")
    };
    let row = "select xmax::text || ctid::text from idempotency_keys";
    let before: String = sqlx::query_scalar(row).fetch_one(&pool).await.unwrap();
    let mut tx = pool.begin().await.unwrap();
    let claim = CompletedClaim::new(&guard(&REQUEST), &Thing { row: 2 }).unwrap();
    let given = sqlx::query_with(CREATE, claim.arguments()).bind(2_i64).fetch_one(&mut *tx).await.unwrap();
    // Who writes gets a number for its transaction.
    let number = "select pg_current_xact_id_if_assigned()::text";
    let number: Option<String> = sqlx::query_scalar(number).fetch_one(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    let outcome = claim.outcome(&guard(&REQUEST), Thing { row: 2 }, &given).unwrap();
    let Some(ClaimOutcome::Replay { response: replayed, .. }) = outcome else { panic!("{outcome:?}") };
    let after: String = sqlx::query_scalar(row).fetch_one(&pool).await.unwrap();
    assert_eq!((number, after, replayed), (None, before, response));
    assert_eq!(at_once(&pool, &guard(&OTHER), 3).await.unwrap(), Some(ClaimOutcome::Mismatch));
    assert_eq!(db.effects().await, 2);
}

#[tokio::test]
async fn the_statement_leaves_an_ended_lease_and_an_expired_key_to_a_transaction() {
    let (db, pool) = open().await;
    let _dead = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    let held = at_once(&pool, &guard(&REQUEST), 1).await.unwrap();
    assert!(matches!(held, Some(ClaimOutcome::InFlight { .. })), "{held:?}");
    for aged in [LEASE, RETENTION_DEFAULT] {
        db.age(aged).await;
        assert_eq!(at_once(&pool, &guard(&REQUEST), 1).await.unwrap(), None);
    }
    assert_eq!(db.effects().await, 0);
}

#[tokio::test]
async fn an_answer_that_must_not_be_kept_is_refused_before_the_statement() {
    let guard =
        unanswered(&REQUEST).answering(|_: &Thing| StoredResponse::new(503, [("etag", "1")], Vec::new()));
    let refused = CompletedClaim::new(&guard, &Thing { row: 1 });
    assert!(matches!(refused, Err(Error::Unstorable(Unstorable::Status { status: 503 }))));
}

/// A record in each state, as the table keeps it.
struct Kept {
    fingerprint: Fingerprint,
    lease_ends: Option<i64>,
    expires: i64,
}

#[tokio::test]
async fn the_statement_runs_when_the_transition_function_says_so() {
    let (db, pool) = open().await;
    let mine = unanswered(&REQUEST).fingerprint;
    let other = unanswered(&OTHER).fingerprint;
    let hour = 3_600_000_000;
    let mut row = 0;
    for fingerprint in [mine, other] {
        for lease_ends in [None, Some(-hour), Some(hour)] {
            for expires in [-hour, 2 * hour] {
                if lease_ends.is_some_and(|ends| ends > expires) {
                    continue;
                }
                row += 1;
                let kept = Kept { fingerprint, lease_ends, expires };
                let expected = decided(&kept, mine);
                db.change("truncate idempotency_keys").await;
                keep(&pool, &kept).await;
                let outcome = create(&pool, &guard(&REQUEST), row).await.unwrap();
                let ran = matches!(outcome, Some(ClaimOutcome::Fresh { .. }));
                assert_eq!(
                    ran,
                    matches!(expected, Decision::Run { .. }),
                    "{lease_ends:?} {expires} {outcome:?}"
                );
                let Decision::Run { fence, seed } = expected else { continue };
                let (found_fence, same_seed): (i64, bool) = sqlx::query_as(
                    "select fence, seed = decode(repeat('07', 32), 'hex') from idempotency_keys",
                )
                .fetch_one(&pool)
                .await
                .unwrap();
                assert_eq!((found_fence, same_seed), (i64::try_from(fence).unwrap(), seed == SeedOf::Record));
            }
        }
    }
    assert_eq!(row, 10);
}

fn decided(kept: &Kept, asking: Fingerprint) -> Decision {
    let now = 1_000 * 3_600_000_000;
    let state = match kept.lease_ends {
        None => State::Completed,
        Some(ends) => State::InProgress { lease_until: StoreTime::from_micros(now + ends) },
    };
    let record = Record {
        fingerprint: kept.fingerprint,
        fence: 4,
        claim_token: ClaimToken::from_bytes([9; 16]),
        state,
        expires_at: StoreTime::from_micros(now + kept.expires),
    };
    decide(Some(&record), &Event::Request(asking), StoreTime::from_micros(now))
}

async fn keep(pool: &PgPool, kept: &Kept) {
    let insert = "with t as (select (extract(epoch from clock_timestamp()) * 1000000)::bigint as micros)
        insert into idempotency_keys (id, fingerprint, method, path, state, fence, claim_token, seed, lease_until, expires_at,
            status, headers, body)
        select $1, $2, 'POST', '/', case when $3::bigint is null then 'completed' else 'in_progress' end, 4,
            decode(repeat('09', 16), 'hex'), decode(repeat('07', 32), 'hex'), micros + $3, micros + $4,
            case when $3 is null then 200 end, case when $3 is null then '[]' end,
            case when $3 is null then ''::bytea end
        from t";
    sqlx::query(insert)
        .bind(unanswered(&REQUEST).record_id().as_bytes().as_slice())
        .bind(kept.fingerprint.as_bytes().as_slice())
        .bind(kept.lease_ends)
        .bind(kept.expires)
        .execute(pool)
        .await
        .unwrap();
}
