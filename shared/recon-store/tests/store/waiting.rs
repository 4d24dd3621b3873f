//! A key that somebody else's transaction holds, and clients that wait for it.

use std::time::Duration;

use futures_util::FutureExt;
use recon_idempotency::{Body, ClaimOutcome, StoredResponse, Unanswered, postgres};
use recon_store::DatasetRecord;
use sqlx::{Connection, PgConnection};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::bench::{self, Bench, fresh, keyed, replayed};

/// Longer than a statement waits for a lock, so that the key was said to be in progress once at least.
const HELD: Duration = Duration::from_secs(4);
const WAIT: Duration = Duration::from_secs(15);

/// Another process that has claimed the key of a request, and has not committed.
async fn holder(bench: &Bench, request: Unanswered) -> PgConnection {
    let url = bench::direct(&bench.config.database);
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("begin").execute(&mut connection).await.unwrap();
    let guard = request.answering(|()| StoredResponse::new(201, [("location", "first")], b"first".to_vec()));
    let claimed = postgres::guarded(&mut connection, &guard, |_| {
        std::future::ready(Ok::<_, recon_idempotency::Error>(())).boxed()
    });
    let claimed = claimed.await.unwrap();
    assert!(matches!(claimed, ClaimOutcome::Fresh { .. }));
    connection
}

/// The two ways of a keyed request: in one statement, and in a transaction.
#[derive(Clone, Copy)]
enum Way {
    Create,
    Complete,
}

struct Asked {
    bench: Bench,
    holder: PgConnection,
    answer: JoinHandle<ClaimOutcome<DatasetRecord>>,
}

/// A request whose key is held, from a client that waits so long.
async fn asked(way: Way, wait: Duration) -> Asked {
    asked_on(bench::postgres().await, way, wait).await
}

async fn asked_on(bench: Bench, way: Way, wait: Duration) -> Asked {
    let dataset = bench.dataset(bench.workspace).await;
    bench.attach(bench.workspace, dataset, "aa").await;
    let request = keyed(bench.workspace, "held", "/v1/datasets");
    let holder = holder(&bench, request.clone()).await;
    let guard = request.waiting(wait).answering(|record: &DatasetRecord| {
        StoredResponse::new(201, [("location", record.id.to_string())], b"own".to_vec())
    });
    let (datasets, workspace, new) = (bench.store.datasets(), bench.workspace, bench.new_dataset("waiting"));
    let answer = tokio::spawn(async move {
        match way {
            Way::Create => datasets.create(workspace, guard, new).await.unwrap(),
            Way::Complete => datasets.complete(workspace, dataset, guard, None).await.unwrap().unwrap(),
        }
    });
    Asked { bench, holder, answer }
}

async fn end(mut holder: PgConnection, how: &'static str) {
    sqlx::raw_sql(how).execute(&mut holder).await.unwrap();
    holder.close().await.unwrap();
}

async fn waits_for_the_answer(bench: Bench, way: Way) {
    let Asked { holder, answer, bench: _bench } = asked_on(bench, way, WAIT).await;
    sleep(HELD).await;
    assert!(!answer.is_finished());
    end(holder, "commit").await;
    assert_eq!(replayed(answer.await.unwrap()).body(), &Body::Inline(b"first".to_vec()));
}

#[tokio::test]
async fn who_waits_gets_the_answer_of_the_statement_that_has_the_key() {
    waits_for_the_answer(bench::postgres().await, Way::Create).await;
}

#[tokio::test]
async fn who_waits_gets_the_answer_of_the_transaction_that_has_the_key() {
    waits_for_the_answer(bench::postgres().await, Way::Complete).await;
}

#[tokio::test]
async fn who_waits_behind_a_pooler_gets_the_answer_of_the_transaction_that_has_the_key() {
    waits_for_the_answer(bench::pgbouncer().await, Way::Complete).await;
}

#[tokio::test]
async fn the_effect_of_who_would_wait_waits_for_locks_like_any_other() {
    let bench = bench::postgres().await;
    let dataset = bench.dataset(bench.workspace).await;
    bench.attach(bench.workspace, dataset, "aa").await;
    let url = bench::direct(&bench.config.database);
    let mut other = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("begin; select * from datasets for update").execute(&mut other).await.unwrap();
    let guard =
        keyed(bench.workspace, "k", "/v1/datasets").waiting(WAIT).answering(|record: &DatasetRecord| {
            StoredResponse::new(202, [("location", record.id.to_string())], Vec::new())
        });
    let (datasets, workspace) = (bench.store.datasets(), bench.workspace);
    let answer = tokio::spawn(async move { datasets.complete(workspace, dataset, guard, None).await });
    sleep(Duration::from_secs(1)).await;
    assert!(!answer.is_finished());
    end(other, "rollback").await;
    fresh(answer.await.unwrap().unwrap().unwrap());
}

#[tokio::test]
async fn who_waits_runs_when_the_other_one_had_no_effect() {
    let Asked { holder, answer, bench: _bench } = asked(Way::Complete, WAIT).await;
    sleep(HELD).await;
    end(holder, "rollback").await;
    fresh(answer.await.unwrap());
}

#[tokio::test]
async fn who_waits_too_short_is_told_that_it_is_in_progress() {
    for way in [Way::Create, Way::Complete] {
        for wait in [Duration::ZERO, Duration::from_secs(1)] {
            let Asked { holder, answer, bench: _bench } = asked(way, wait).await;
            let begun = Instant::now();
            assert!(matches!(answer.await.unwrap(), ClaimOutcome::InFlight { .. }));
            assert!(begun.elapsed() < WAIT);
            end(holder, "rollback").await;
        }
    }
}

#[tokio::test]
async fn who_waits_leaves_the_connections_to_others() {
    let Asked { holder, answer, bench } = asked(Way::Complete, WAIT).await;
    let guard = || {
        keyed(bench.workspace, "held", "/v1/datasets").waiting(WAIT).answering(|record: &DatasetRecord| {
            StoredResponse::new(201, [("location", record.id.to_string())], Vec::new())
        })
    };
    // More of them than there are connections.
    let waiting: Vec<_> = (0..12)
        .map(|_| {
            let (datasets, workspace) = (bench.store.datasets(), bench.workspace);
            let (guard, new) = (guard(), bench.new_dataset("waiting"));
            tokio::spawn(async move { datasets.create(workspace, guard, new).await })
        })
        .collect();
    sleep(HELD).await;
    for _ in 0..20 {
        bench.dataset(bench.workspace).await;
    }
    end(holder, "commit").await;
    replayed(answer.await.unwrap());
    for waiting in waiting {
        replayed(waiting.await.unwrap().unwrap());
    }
}
