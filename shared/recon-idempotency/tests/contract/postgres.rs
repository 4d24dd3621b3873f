//! What only PostgreSQL has: claims of others that are waited for.

use std::time::Duration;

use futures_util::FutureExt;
use recon_idempotency::{ClaimOutcome, ClaimStore, Claimed, Completion, Error, Held, postgres};
use sqlx::PgPool;

use crate::database::{Database, Dialect, Failure, insert_postgres};
use crate::sample::{LEASE, OTHER, REQUEST, answer, guard, running, unanswered};
use crate::world::PATIENCE;

async fn open() -> (Database, PgPool) {
    let database = Database::open(Dialect::Postgres).await;
    let Database::Postgres(pool) = &database else { panic!("another one") };
    let pool = pool.clone();
    (database, pool)
}

/// Waits until somebody waits for a lock.
async fn until_somebody_waits(db: &Database) {
    let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    let begun = std::time::Instant::now();
    while db.number(waiting).await == 0 {
        assert!(begun.elapsed() < PATIENCE, "nobody waits for a lock");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_duplicate_waits_for_the_winner_and_gets_its_answer() {
    let (db, pool) = open().await;
    let mut winner = pool.begin().await.unwrap();
    let outcome =
        postgres::guarded(&mut winner, &guard(&REQUEST), |conn| insert_postgres(conn).boxed()).await;
    let Ok::<_, Failure>(ClaimOutcome::Fresh { response, .. }) = outcome else { panic!("{outcome:?}") };
    let (same, other) = (guard(&REQUEST), guard(&OTHER));
    let ((), same, other) = tokio::join!(
        async {
            until_somebody_waits(&db).await;
            winner.commit().await.unwrap();
        },
        db.run(&same),
        db.run(&other)
    );
    let ClaimOutcome::Replay { response: replayed, .. } = same.unwrap() else { panic!("replays") };
    assert_eq!((replayed, other.unwrap()), (response, ClaimOutcome::Mismatch));
    assert_eq!(db.effects().await, 1);
}

#[tokio::test]
async fn a_duplicate_runs_when_the_first_one_is_rolled_back() {
    let (db, pool) = open().await;
    let mut first = pool.begin().await.unwrap();
    let outcome = postgres::guarded(&mut first, &guard(&REQUEST), |conn| insert_postgres(conn).boxed()).await;
    assert!(matches!(outcome, Ok::<_, Failure>(ClaimOutcome::Fresh { .. })));
    let second = guard(&REQUEST);
    let ((), second) = tokio::join!(
        async {
            until_somebody_waits(&db).await;
            first.rollback().await.unwrap();
        },
        db.run(&second)
    );
    assert!(matches!(second.unwrap(), ClaimOutcome::Fresh { .. }));
    assert_eq!(db.effects().await, 1);
}

#[tokio::test]
async fn a_lock_timeout_is_a_key_in_flight_and_not_a_failed_database() {
    let (db, pool) = open().await;
    let in_flight = |error: &Error| matches!(error, Error::InFlight { retry_after } if *retry_after == Duration::from_secs(1));
    // First the place of an unknown key, then the row of a known one.
    for known in [false, true] {
        let mut winner = pool.begin().await.unwrap();
        if known {
            sqlx::query("select from idempotency_keys for update").execute(&mut *winner).await.unwrap();
        } else {
            let claimed = postgres::claim(&mut winner, &unanswered(&REQUEST), Duration::ZERO).await;
            assert!(matches!(claimed, Ok(Claimed::Run(_))));
        }
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("set local lock_timeout = '20ms'").execute(&mut *tx).await.unwrap();
        let waited = postgres::guarded(&mut tx, &guard(&REQUEST), |conn| insert_postgres(conn).boxed()).await;
        assert!(matches!(&waited, Err(Failure::Key(error)) if in_flight(error)), "{waited:?}");
        tx.rollback().await.unwrap();
        winner.commit().await.unwrap();
    }
    assert_eq!((db.effects().await, db.keys().await), (0, 1));
    assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
}

#[tokio::test]
async fn a_claim_of_its_own_that_waits_too_long_is_answered_as_held() {
    let (db, pool) = open().await;
    let mut winner = pool.begin().await.unwrap();
    assert!(matches!(postgres::claim(&mut winner, &unanswered(&REQUEST), LEASE).await, Ok(Claimed::Run(_))));
    sqlx::raw_sql(
        "do $$ begin execute format('alter database %I set lock_timeout = 20', current_database()); end $$",
    )
    .execute(&pool)
    .await
    .unwrap();
    let options = pool.connect_options();
    let impatient = postgres::Store::new(PgPool::connect_with(options.as_ref().clone()).await.unwrap());
    let claimed = impatient.claim(&unanswered(&REQUEST), LEASE).await.unwrap();
    let Claimed::Held(held) = claimed else { panic!("{claimed:?}") };
    assert_eq!(held, Held::InFlight { retry_after: Duration::from_secs(1) });
    winner.rollback().await.unwrap();
    let _claim = running(impatient.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    assert_eq!(db.keys().await, 1);
}

#[tokio::test]
async fn a_failed_serialisation_stays_one_so_that_the_caller_can_repeat_it() {
    let (db, pool) = open().await;
    let mut late = pool.begin_with("begin isolation level repeatable read").await.unwrap();
    sqlx::query("select count(*) from effects").execute(&mut *late).await.unwrap();
    assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
    let failed = postgres::guarded(&mut late, &guard(&REQUEST), |conn| insert_postgres(conn).boxed()).await;
    let Err(Failure::Key(Error::Database(error))) = failed else { panic!("{failed:?}") };
    assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("40001"));
}

#[tokio::test]
async fn a_lease_counts_from_when_the_claim_was_there_and_not_from_when_it_was_asked_for() {
    let (db, pool) = open().await;
    for known in [false, true] {
        let mut first = pool.begin().await.unwrap();
        let _claim =
            running(postgres::claim(&mut first, &unanswered(&REQUEST), Duration::ZERO).await.unwrap());
        let store = db.store();
        let waited =
            tokio::spawn(async move { store.claim(&unanswered(&REQUEST), Duration::from_secs(60)).await });
        until_somebody_waits(&db).await;
        let free_at = db.number("select (extract(epoch from clock_timestamp()) * 1000000)::bigint").await;
        match known {
            false => first.rollback().await.unwrap(),
            true => first.commit().await.unwrap(),
        }
        let claim = running(waited.await.unwrap().unwrap());
        let lease_until = db.number("select lease_until from idempotency_keys").await;
        assert!(lease_until >= free_at + 60_000_000, "{known}: {lease_until} {free_at}");
        if !known {
            db.store().release(&claim).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_place_that_goes_away_while_it_is_read_is_asked_for_again() {
    let (db, pool) = open().await;
    let claim = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    // The release holds the row; the duplicate sees it, waits for it, and finds it gone.
    let mut release = pool.begin().await.unwrap();
    postgres::release(&mut release, &claim).await.unwrap();
    let duplicate = guard(&REQUEST);
    let ((), duplicate) = tokio::join!(
        async {
            until_somebody_waits(&db).await;
            release.commit().await.unwrap();
        },
        db.run(&duplicate)
    );
    assert!(matches!(duplicate.unwrap(), ClaimOutcome::Fresh { .. }));
}

#[tokio::test]
async fn the_fence_is_held_until_the_effects_transaction_ends() {
    let (db, pool) = open().await;
    let claim = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    db.age(LEASE).await;
    let mut tx = pool.begin().await.unwrap();
    insert_postgres(&mut tx).await.unwrap();
    let completed = postgres::complete(&mut tx, &claim, &answer("done")).await.unwrap();
    assert!(matches!(completed, Completion::Stored { .. }));
    // The lease has ended, but a taker has to wait until the holder's answer is there, and then gets it.
    let taker = guard(&REQUEST);
    let ((), taker) = tokio::join!(
        async {
            until_somebody_waits(&db).await;
            tx.commit().await.unwrap();
        },
        db.run(&taker)
    );
    assert!(matches!(taker.unwrap(), ClaimOutcome::Replay { response, .. } if response == answer("done")));
    assert_eq!(db.effects().await, 1);
}

#[tokio::test]
async fn purging_waits_for_nobody() {
    let (db, pool) = open().await;
    let _claim = running(db.store().claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    db.age(recon_idempotency::RETENTION_DEFAULT).await;
    let mut tx = pool.begin().await.unwrap();
    let other = guard(&OTHER);
    let outcome = postgres::guarded(&mut tx, &other, |conn| insert_postgres(conn).boxed());
    assert!(matches!(outcome.await, Ok::<_, Failure>(ClaimOutcome::Fresh { .. })));
    let purge = tokio::time::timeout(PATIENCE, async { db.store().purge_expired(10).await.unwrap() });
    assert_eq!(purge.await.expect("waits for the claim"), 0);
    tx.commit().await.unwrap();
    assert_eq!((db.store().purge_expired(10).await.unwrap(), db.keys().await), (0, 1));
}

#[tokio::test]
async fn expired_keys_are_found_by_an_index() {
    let (_db, pool) = open().await;
    let mut conn = pool.acquire().await.unwrap();
    sqlx::query("set enable_seqscan = off").execute(&mut *conn).await.unwrap();
    let explain = "explain select id from idempotency_keys where expires_at <= 5 order by expires_at limit 10 for update skip locked";
    let plan: Vec<String> = sqlx::query_scalar(explain).fetch_all(&mut *conn).await.unwrap();
    assert!(plan.iter().any(|line| line.contains("idempotency_keys_expires_at_idx")), "{plan:?}");
}
