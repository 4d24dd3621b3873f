//! Keys in a real SQLite file: each row of the state machine, and the faults that others had.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use futures_util::future::join_all;
use recon_idempotency::sqlite::{self, Error};
use recon_idempotency::{
    Body, Claim, ClaimOutcome, Claimed, Completion, EntryState, Extension, Guard, Held, IdempotencyKey,
    RETENTION_DEFAULT, Release, Request, Scope, StoredResponse, Unanswered, Unstorable,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{Row as _, Sqlite, Transaction};
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(60);
const REQUEST: Request<'static> = Request {
    method: "POST",
    path: "/v1/things",
    query: "",
    media_type: "application/json",
    headers: &[],
    body: br#"{"name":"one","size":1}"#,
};
const OTHER: Request<'static> = Request { body: br#"{"name":"two","size":1}"#, ..REQUEST };

/// A database file with the keys and a table of effects.
struct Db {
    pool: SqlitePool,
    _folder: tempfile::TempDir,
}

/// What the work gives: the row that it inserted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Thing {
    row: i64,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("refused")]
    Refused,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Key(#[from] Error),
}

impl Db {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("keys.db"))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(Duration::from_secs(10));
        let pool = SqlitePoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
        sqlx::raw_sql(sqlite::MIGRATION).execute(&pool).await.unwrap();
        sqlx::raw_sql("create table effects (row integer primary key, what text not null)")
            .execute(&pool)
            .await
            .unwrap();
        Self { pool, _folder: folder }
    }

    async fn begin(&self) -> Transaction<'static, Sqlite> {
        self.pool.begin_with("begin immediate").await.unwrap()
    }

    /// A guarded insert of one effect, in a transaction of its own.
    async fn run(&self, guard: &Guard<Thing>) -> Result<ClaimOutcome<Thing>, Failure> {
        let mut tx = self.begin().await;
        let outcome = sqlite::guarded(&mut tx, guard, |conn| Box::pin(insert(conn, "effect"))).await?;
        tx.commit().await?;
        Ok(outcome)
    }

    async fn claim(&self, request: &Request<'_>) -> Claimed {
        self.claim_for(request, LEASE).await
    }

    async fn claim_for(&self, request: &Request<'_>, lease: Duration) -> Claimed {
        let mut tx = self.begin().await;
        let claimed = sqlite::claim(&mut tx, &unanswered(request), lease).await.unwrap();
        tx.commit().await.unwrap();
        claimed
    }

    async fn complete(&self, claim: &Claim, response: &StoredResponse) -> Completion {
        let mut tx = self.begin().await;
        let completion = sqlite::complete(&mut tx, claim, response).await.unwrap();
        tx.commit().await.unwrap();
        completion
    }

    async fn release(&self, claim: &Claim) -> Release {
        let mut tx = self.begin().await;
        let release = sqlite::release(&mut tx, claim).await.unwrap();
        tx.commit().await.unwrap();
        release
    }

    async fn extend(&self, claim: &Claim, lease: Duration) -> Extension {
        let mut tx = self.begin().await;
        let extension = sqlite::extend(&mut tx, claim, lease).await.unwrap();
        tx.commit().await.unwrap();
        extension
    }

    /// Lets time pass: all that is kept is this much older now.
    async fn age(&self, duration: Duration) {
        let micros = i64::try_from(duration.as_micros()).unwrap();
        sqlx::query(
            "update idempotency_keys set lease_until = lease_until - ?1, expires_at = expires_at - ?1",
        )
        .bind(micros)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap()
    }

    async fn effects(&self) -> i64 {
        self.count("select count(*) from effects").await
    }

    async fn keys(&self) -> i64 {
        self.count("select count(*) from idempotency_keys").await
    }
}

async fn insert(conn: &mut sqlx::SqliteConnection, what: &str) -> Result<Thing, Failure> {
    let row = sqlx::query("insert into effects (what) values (?1) returning row")
        .bind(what)
        .fetch_one(conn)
        .await?
        .try_get(0)?;
    Ok(Thing { row })
}

fn scope() -> Scope {
    Scope { workspace: Uuid::from_u128(1), principal: Uuid::from_u128(2) }
}

fn key() -> IdempotencyKey {
    IdempotencyKey::parse(b"key-1").unwrap()
}

fn unanswered(request: &Request<'_>) -> Unanswered {
    Unanswered::new(scope(), key(), request, RETENTION_DEFAULT)
}

fn created(thing: &Thing) -> StoredResponse {
    let headers = [
        ("Location", format!("/v1/things/{}", thing.row)),
        ("Set-Cookie", "session=secret".to_owned()),
        ("Content-Type", "application/json".to_owned()),
    ];
    StoredResponse::new(201, headers, format!("{{\"row\":{}}}", thing.row).into_bytes())
}

fn guard(request: &Request<'_>) -> Guard<Thing> {
    unanswered(request).answering(created)
}

fn running(claimed: Claimed) -> Claim {
    match claimed {
        Claimed::Run(claim) => claim,
        Claimed::Held(held) => panic!("held: {held:?}"),
    }
}

fn held(claimed: Claimed) -> Held {
    match claimed {
        Claimed::Held(held) => held,
        Claimed::Run(claim) => panic!("runs: {claim:?}"),
    }
}

fn in_flight(seconds: u64) -> Held {
    Held::InFlight { retry_after: Duration::from_secs(seconds) }
}

fn answer(text: &str) -> StoredResponse {
    StoredResponse::new(200, [("etag", "\"1\"")], text.as_bytes().to_vec())
}

#[tokio::test]
async fn second_request_with_same_key_replays() {
    let db = Db::open().await;
    let ClaimOutcome::Fresh { value, response } = db.run(&guard(&REQUEST)).await.unwrap() else {
        panic!("the first request runs")
    };
    assert_eq!((value.clone(), response.status()), (Thing { row: 1 }, 201));
    for _ in 0..2 {
        let ClaimOutcome::Replay { response: replayed, .. } = db.run(&guard(&REQUEST)).await.unwrap() else {
            panic!("the same request replays")
        };
        assert_eq!(replayed, response);
    }
    assert_eq!(response.body(), &Body::Inline(br#"{"row":1}"#.to_vec()));
    assert_eq!((db.effects().await, db.keys().await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_at_the_same_time_have_one_effect_and_one_answer() {
    let db = Db::open().await;
    let guard = guard(&REQUEST);
    let outcomes = join_all((0..24).map(|_| db.run(&guard))).await;
    let mut fresh = 0;
    for outcome in outcomes {
        match outcome.unwrap() {
            ClaimOutcome::Fresh { response, .. } => {
                fresh += 1;
                assert_eq!(response, created(&Thing { row: 1 }));
            }
            ClaimOutcome::Replay { response, .. } => assert_eq!(response, created(&Thing { row: 1 })),
            outcome => panic!("a local effect has no window: {outcome:?}"),
        }
    }
    assert_eq!((fresh, db.effects().await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guarded_effect_runs_on_a_task_of_its_own() {
    let db = std::sync::Arc::new(Db::open().await);
    let guard = guard(&REQUEST);
    let task = tokio::spawn({
        let (db, guard) = (std::sync::Arc::clone(&db), guard.clone());
        async move { db.run(&guard).await }
    });
    assert!(matches!(task.await.unwrap().unwrap(), ClaimOutcome::Fresh { .. }));
    let outcome = db.run(&guard).await.unwrap().map(|thing| thing.row);
    assert!(matches!(outcome, ClaimOutcome::Replay { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_key_of_somebody_else_is_another_key() {
    let db = Db::open().await;
    let mut requests = vec![unanswered(&REQUEST); 4];
    requests[1].scope.workspace = Uuid::from_u128(2);
    requests[2].scope.principal = Uuid::from_u128(1);
    requests[3].key = IdempotencyKey::parse(b"key-2").unwrap();
    for request in requests {
        let outcome = db.run(&request.answering(created)).await.unwrap();
        assert!(matches!(outcome, ClaimOutcome::Fresh { .. }), "{outcome:?}");
    }
    assert_eq!((db.effects().await, db.keys().await), (4, 4));
}

#[tokio::test]
async fn a_failed_effect_leaves_no_key_and_a_retry_runs() {
    let db = Db::open().await;
    let mut tx = db.begin().await;
    let failed = sqlite::guarded(&mut tx, &guard(&REQUEST), |conn| {
        Box::pin(async move {
            insert(conn, "half").await?;
            Err(Failure::Refused)
        })
    })
    .await;
    assert!(matches!(failed, Err(Failure::Refused)));
    // Even a caller that commits here leaves no key behind: it is written after the effect.
    let keys: i64 =
        sqlx::query_scalar("select count(*) from idempotency_keys").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(keys, 0);
    tx.rollback().await.unwrap();
    assert_eq!((db.effects().await, db.keys().await), (0, 0));
    assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
}

#[tokio::test]
async fn an_answer_that_must_not_be_kept_rolls_the_effect_back() {
    let db = Db::open().await;
    for (render, expected) in [
        (
            (|_: &Thing| StoredResponse::new(503, [("etag", "1")], Vec::new()))
                as fn(&Thing) -> StoredResponse,
            Unstorable::Status { status: 503 },
        ),
        (
            |_: &Thing| StoredResponse::new(201, [("etag", "1")], vec![b' '; 262_145]),
            Unstorable::TooLong { bytes: 262_145 },
        ),
    ] {
        let failed = db.run(&unanswered(&REQUEST).answering(render)).await;
        assert!(matches!(failed, Err(Failure::Key(Error::Unstorable(why))) if why == expected));
        assert_eq!((db.effects().await, db.keys().await), (0, 0));
    }
    let claim = running(db.claim(&REQUEST).await);
    let mut tx = db.begin().await;
    let refused =
        sqlite::complete(&mut tx, &claim, &StoredResponse::new(500, [("etag", "1")], Vec::new())).await;
    assert!(matches!(refused, Err(Error::Unstorable(Unstorable::Status { status: 500 }))));
}

#[tokio::test]
async fn a_reference_replays_as_a_reference() {
    let db = Db::open().await;
    let id = Uuid::from_u128(77);
    let guard = unanswered(&REQUEST)
        .answering(move |_: &Thing| StoredResponse::reference(201, [("location", "/v1/things/77")], id));
    assert!(matches!(db.run(&guard).await.unwrap(), ClaimOutcome::Fresh { .. }));
    let ClaimOutcome::Replay { response, .. } = db.run(&guard).await.unwrap() else { panic!("replays") };
    assert_eq!(response, StoredResponse::reference(201, [("location", "/v1/things/77")], id));
}

#[tokio::test]
async fn a_live_lease_makes_the_same_request_wait() {
    let db = Db::open().await;
    let claim = running(db.claim_for(&REQUEST, Duration::from_secs(600)).await);
    assert_eq!(claim.fence(), 1);
    assert_eq!(held(db.claim(&REQUEST).await), in_flight(5));
    let outcome = db.run(&guard(&REQUEST)).await.unwrap();
    assert_eq!(outcome, ClaimOutcome::InFlight { retry_after: Duration::from_secs(5) });
    assert_eq!(db.effects().await, 0);
    db.age(Duration::from_millis(599_500)).await;
    assert_eq!(held(db.claim(&REQUEST).await), in_flight(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_lease_has_exactly_one_taker_with_the_same_derived_ids() {
    let db = Db::open().await;
    let dead = running(db.claim(&REQUEST).await);
    db.age(LEASE).await;
    let mut takers = Vec::new();
    for claimed in join_all((0..12).map(|_| db.claim(&REQUEST))).await {
        match claimed {
            Claimed::Run(claim) => takers.push(claim),
            Claimed::Held(held) => assert_eq!(held, in_flight(5)),
        }
    }
    assert_eq!(takers.len(), 1);
    assert_eq!(takers[0].fence(), dead.fence() + 1);
    assert_eq!(takers[0].derived_id("row"), dead.derived_id("row"));
    assert_ne!(takers[0].derived_id("row"), dead.derived_id("job"));
}

#[tokio::test]
async fn a_local_effect_takes_an_ended_lease_over() {
    let db = Db::open().await;
    let dead = running(db.claim(&REQUEST).await);
    db.age(LEASE).await;
    assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
    assert!(matches!(db.complete(&dead, &answer("late")).await, Completion::Lost(Some(Held::Replay { .. }))));
    assert_eq!(db.effects().await, 1);
}

#[tokio::test]
async fn an_expired_key_is_a_new_key_with_other_derived_ids() {
    let db = Db::open().await;
    let first = running(db.claim(&REQUEST).await);
    assert!(matches!(db.complete(&first, &answer("first")).await, Completion::Stored { .. }));
    db.age(RETENTION_DEFAULT).await;
    let second = running(db.claim(&OTHER).await);
    assert_eq!(second.fence(), 2);
    assert_ne!(second.derived_id("row"), first.derived_id("row"));
    assert_eq!(held(db.claim(&REQUEST).await), Held::Mismatch);
    // The holder from before gets no answer that belongs to another request.
    assert_eq!(db.complete(&first, &answer("zombie")).await, Completion::Lost(Some(Held::Mismatch)));
}

#[tokio::test]
async fn a_completed_key_replays_and_never_changes() {
    let db = Db::open().await;
    let claim = running(db.claim(&REQUEST).await);
    let Completion::Stored { expires_at } = db.complete(&claim, &answer("done")).await else {
        panic!("the claim was live")
    };
    let replay = Held::Replay { response: answer("done"), expires_at };
    assert_eq!(held(db.claim(&REQUEST).await), replay);
    assert_eq!(db.complete(&claim, &answer("again")).await, Completion::Lost(Some(replay.clone())));
    assert_eq!(db.extend(&claim, LEASE).await, Extension::Lost);
    assert_eq!(held(db.claim(&REQUEST).await), replay);
}

#[tokio::test]
async fn a_released_key_is_free_for_any_request() {
    let db = Db::open().await;
    let refused = running(db.claim(&REQUEST).await);
    assert_eq!(db.release(&refused).await, Release::Released);
    assert_eq!(db.keys().await, 0);
    assert_eq!(db.release(&refused).await, Release::Lost);
    let retry = running(db.claim(&OTHER).await);
    // The record counts from one again; the token still tells the holders apart.
    assert_eq!(retry.fence(), refused.fence());
    assert_eq!(db.release(&refused).await, Release::Lost);
    assert_eq!(db.complete(&refused, &answer("late")).await, Completion::Lost(Some(Held::Mismatch)));
    assert!(matches!(db.complete(&retry, &answer("two")).await, Completion::Stored { .. }));
}

#[tokio::test]
async fn an_unknown_outcome_keeps_the_key_until_the_lease_ends() {
    let db = Db::open().await;
    let failed = running(db.claim(&REQUEST).await);
    let effect = failed.derived_id("row");
    assert_eq!(held(db.claim(&REQUEST).await), in_flight(5));
    db.age(LEASE).await;
    assert_eq!(running(db.claim(&REQUEST).await).derived_id("row"), effect);
}

#[tokio::test]
async fn fault_01_a_zombie_overwrites_nothing() {
    let db = Db::open().await;
    let zombie = running(db.claim(&REQUEST).await);
    db.age(LEASE).await;
    let winner = running(db.claim(&REQUEST).await);
    assert_eq!(db.complete(&zombie, &answer("zombie")).await, Completion::Lost(Some(in_flight(5))));
    assert_eq!(db.release(&zombie).await, Release::Lost);
    assert_eq!(db.extend(&zombie, LEASE).await, Extension::Lost);
    assert!(matches!(db.complete(&winner, &answer("winner")).await, Completion::Stored { .. }));
    let Completion::Lost(Some(Held::Replay { response, .. })) = db.complete(&zombie, &answer("zombie")).await
    else {
        panic!("the zombie learns the winner's answer")
    };
    assert_eq!(response, answer("winner"));
}

#[tokio::test]
async fn fault_02_a_late_failure_does_not_open_a_completed_key() {
    let db = Db::open().await;
    let claim = running(db.claim(&REQUEST).await);
    assert!(matches!(db.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
    assert_eq!(db.release(&claim).await, Release::Lost);
    assert!(matches!(held(db.claim(&REQUEST).await), Held::Replay { .. }));
}

#[tokio::test]
async fn fault_03_the_fence_is_checked_in_the_transaction_of_the_effect() {
    let db = Db::open().await;
    let zombie = running(db.claim(&REQUEST).await);
    db.age(LEASE).await;
    let winner = running(db.claim(&REQUEST).await);
    for (claim, stays) in [(zombie, false), (winner, true)] {
        let mut tx = db.begin().await;
        insert(&mut tx, "effect").await.unwrap();
        match sqlite::complete(&mut tx, &claim, &answer("done")).await.unwrap() {
            Completion::Stored { .. } => tx.commit().await.unwrap(),
            Completion::Lost(_) => tx.rollback().await.unwrap(),
        }
        assert_eq!(db.effects().await, i64::from(stays));
    }
}

#[tokio::test]
async fn fault_04_a_key_in_progress_always_has_a_deadline() {
    let db = Db::open().await;
    let _claim = running(db.claim(&REQUEST).await);
    let refused = sqlx::query("update idempotency_keys set lease_until = null").execute(&db.pool).await;
    assert!(refused.unwrap_err().to_string().contains("idempotency_keys_state_check"));
    assert_eq!(held(db.claim(&REQUEST).await), in_flight(5));
}

#[tokio::test]
async fn fault_05_completion_keeps_the_fingerprint() {
    let db = Db::open().await;
    let claim = running(db.claim(&REQUEST).await);
    assert!(matches!(db.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
    assert!(matches!(held(db.claim(&REQUEST).await), Held::Replay { .. }));
    assert_eq!(held(db.claim(&OTHER).await), Held::Mismatch);
}

#[tokio::test]
async fn fault_06_the_fingerprint_is_compared_on_every_path() {
    let db = Db::open().await;
    let mismatches = async || {
        assert_eq!(held(db.claim(&OTHER).await), Held::Mismatch);
        assert_eq!(db.run(&guard(&OTHER)).await.unwrap(), ClaimOutcome::Mismatch);
    };
    let claim = running(db.claim(&REQUEST).await);
    mismatches().await;
    db.age(LEASE).await;
    mismatches().await;
    assert!(matches!(db.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
    mismatches().await;
    // One key means one request: another route is another request.
    assert_eq!(held(db.claim(&Request { path: "/v1/others", ..REQUEST }).await), Held::Mismatch);
    assert_eq!(db.effects().await, 0);
}

#[tokio::test]
async fn fault_07_a_lease_of_no_time_has_ended_and_is_not_unknown() {
    let db = Db::open().await;
    let first = running(db.claim_for(&REQUEST, Duration::ZERO).await);
    let second = running(db.claim_for(&REQUEST, Duration::ZERO).await);
    assert_eq!(second.fence(), first.fence() + 1);
}

#[tokio::test]
async fn fault_08_lease_and_retention_are_kept_in_their_units() {
    let db = Db::open().await;
    let claim = running(db.claim_for(&REQUEST, Duration::from_secs(90)).await);
    let now = "cast(round(unixepoch('subsec') * 1000) as integer) * 1000";
    let rest = async |column: &str| {
        let sql = format!("select {column} - {now} from idempotency_keys");
        sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql)).fetch_one(&db.pool).await.unwrap()
    };
    let day = 24 * 3_600 * 1_000_000;
    let slack = 60 * 1_000_000;
    assert!((90_000_000 - slack..=90_000_000).contains(&rest("lease_until").await));
    assert!((day - slack..=day).contains(&rest("expires_at").await));
    assert!(matches!(db.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
    assert!((day - slack..=day).contains(&rest("expires_at").await));
}

#[tokio::test]
async fn fault_09_a_killed_holder_blocks_its_key_for_the_lease_and_not_for_the_retention() {
    let db = Db::open().await;
    let _killed = running(db.claim(&REQUEST).await);
    db.age(LEASE - Duration::from_secs(30)).await;
    assert_eq!(held(db.claim(&REQUEST).await), in_flight(5));
    db.age(Duration::from_secs(30)).await;
    assert_eq!(running(db.claim(&REQUEST).await).fence(), 2);
}

#[tokio::test]
async fn fault_10_a_heartbeat_keeps_the_key_of_work_that_takes_longer_than_a_lease() {
    let db = Db::open().await;
    let claim = running(db.claim(&REQUEST).await);
    for _ in 0..3 {
        db.age(LEASE - Duration::from_secs(20)).await;
        assert!(matches!(db.extend(&claim, LEASE).await, Extension::Extended { .. }));
        assert_eq!(held(db.claim(&REQUEST).await), in_flight(5));
    }
    assert!(matches!(db.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
}

#[tokio::test]
async fn a_lease_beyond_the_retention_keeps_its_record() {
    let db = Db::open().await;
    let claim = running(db.claim_for(&REQUEST, RETENTION_DEFAULT * 2).await);
    db.age(RETENTION_DEFAULT + Duration::from_secs(60)).await;
    assert_eq!(held(db.claim(&REQUEST).await), in_flight(5));
    assert!(matches!(db.complete(&claim, &answer("done")).await, Completion::Stored { .. }));
}

#[tokio::test]
async fn fault_11_writing_and_reading_find_the_same_key() {
    let db = Db::open().await;
    assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
    let quoted = Unanswered { key: IdempotencyKey::parse(b"\"key-1\"").unwrap(), ..unanswered(&REQUEST) };
    let hit = db.run(&quoted.answering(created)).await.unwrap();
    assert!(matches!(hit, ClaimOutcome::Replay { .. }), "{hit:?}");
    let mut conn = db.pool.acquire().await.unwrap();
    assert!(sqlite::find(&mut conn, &scope(), &key()).await.unwrap().is_some());
}

#[tokio::test]
async fn fault_12_no_cookie_is_kept_or_replayed() {
    let db = Db::open().await;
    let ClaimOutcome::Fresh { response, .. } = db.run(&guard(&REQUEST)).await.unwrap() else {
        panic!("runs")
    };
    let ClaimOutcome::Replay { response: replayed, .. } = db.run(&guard(&REQUEST)).await.unwrap() else {
        panic!("replays")
    };
    for response in [response, replayed] {
        let names: Vec<_> = response.headers().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["location", "content-type"]);
    }
    let kept = db.count("select count(*) from idempotency_keys where lower(headers) like '%secret%'").await;
    assert_eq!(kept, 0);
}

#[tokio::test]
async fn fault_13_a_retry_through_another_host_with_another_order_replays() {
    let db = Db::open().await;
    let first = Request { query: "a=1&b=2", headers: &[("Host", "one.example")], ..REQUEST };
    let retry = Request {
        query: "b=2&a=1",
        headers: &[("Host", "two.example")],
        body: br#"{ "size": 1, "name": "one" }"#,
        ..REQUEST
    };
    assert!(matches!(db.run(&guard(&first)).await.unwrap(), ClaimOutcome::Fresh { .. }));
    assert!(matches!(db.run(&guard(&retry)).await.unwrap(), ClaimOutcome::Replay { .. }));
}

#[tokio::test]
async fn fault_14_keys_that_join_to_the_same_text_stay_apart() {
    let db = Db::open().await;
    for text in [&b"a:b"[..], b"a", b":b", b"\"a b\"", b"ab"] {
        let request = Unanswered { key: IdempotencyKey::parse(text).unwrap(), ..unanswered(&REQUEST) };
        let outcome = db.run(&request.answering(created)).await.unwrap();
        assert!(matches!(outcome, ClaimOutcome::Fresh { .. }), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_caller_can_look_its_key_up() {
    let db = Db::open().await;
    let find = async || {
        let mut conn = db.pool.acquire().await.unwrap();
        sqlite::find(&mut conn, &scope(), &key()).await.unwrap()
    };
    assert_eq!(find().await, None);
    let claim = running(db.claim(&REQUEST).await);
    let entry = find().await.unwrap();
    assert_eq!((entry.method.as_str(), entry.path.as_str()), ("POST", "/v1/things"));
    assert_eq!((entry.state, entry.state.as_str()), (EntryState::InProgress, "in_progress"));
    let Completion::Stored { expires_at } = db.complete(&claim, &answer("done")).await else {
        panic!("stored")
    };
    let entry = find().await.unwrap();
    assert_eq!((entry.state, entry.expires_at), (EntryState::Completed { status: 200 }, expires_at));
    assert_eq!(entry.state.as_str(), "completed");
    db.age(RETENTION_DEFAULT).await;
    assert_eq!(find().await, None);
}

#[tokio::test]
async fn what_a_key_holds_is_told_while_somebody_else_writes() {
    let db = Db::open().await;
    // Holds the only lock for writing to the end.
    let look_up = async |request: &Request<'_>| {
        let _writing = db.begin().await;
        let mut conn = db.pool.acquire().await.unwrap();
        sqlite::look_up(&mut conn, &unanswered(request)).await.unwrap()
    };
    let other = Request { body: b"{}", ..REQUEST };
    assert_eq!(look_up(&REQUEST).await, None, "an unknown key has to run");
    let claim = running(db.claim_for(&REQUEST, Duration::from_secs(60)).await);
    assert_eq!(look_up(&REQUEST).await, Some(in_flight(5)));
    assert_eq!(look_up(&other).await, Some(Held::Mismatch));
    db.age(Duration::from_secs(60)).await;
    assert_eq!(look_up(&REQUEST).await, None, "an ended lease has to be taken over");
    assert_eq!(look_up(&other).await, Some(Held::Mismatch));

    let Completion::Stored { expires_at } = db.complete(&claim, &answer("done")).await else {
        panic!("stored")
    };
    let replay = Held::Replay { response: answer("done"), expires_at };
    assert_eq!(look_up(&REQUEST).await, Some(replay));
    assert_eq!(look_up(&other).await, Some(Held::Mismatch));
    db.age(RETENTION_DEFAULT).await;
    assert_eq!(look_up(&other).await, None, "an expired key is a new one");
}

#[tokio::test]
async fn purging_deletes_what_has_expired_in_batches_and_nothing_else() {
    let db = Db::open().await;
    let purge = async |batch| {
        let mut tx = db.begin().await;
        let purged = sqlite::purge_expired(&mut tx, batch).await.unwrap();
        tx.commit().await.unwrap();
        purged
    };
    for text in [&b"a"[..], b"b", b"c"] {
        let request = Unanswered { key: IdempotencyKey::parse(text).unwrap(), ..unanswered(&REQUEST) };
        assert!(matches!(db.run(&request.answering(created)).await.unwrap(), ClaimOutcome::Fresh { .. }));
    }
    assert_eq!(purge(10).await, 0);
    db.age(RETENTION_DEFAULT).await;
    assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
    assert_eq!((purge(2).await, purge(2).await, purge(2).await), (2, 1, 0));
    assert_eq!(db.keys().await, 1);
}

#[tokio::test]
async fn a_record_that_changes_under_a_transaction_wins() {
    let db = Db::open().await;
    let mut tx = db.begin().await;
    let inner = guard(&REQUEST);
    let raced = sqlite::guarded(&mut tx, &guard(&REQUEST), |conn| {
        Box::pin(async move {
            let outcome = sqlite::guarded(conn, &inner, |conn| Box::pin(insert(conn, "inner"))).await?;
            assert!(matches!(outcome, ClaimOutcome::Fresh { .. }));
            insert(conn, "outer").await
        })
    })
    .await;
    assert!(matches!(raced, Err(Failure::Key(Error::Raced))), "{raced:?}");
    tx.rollback().await.unwrap();
    assert_eq!((db.effects().await, db.keys().await), (0, 0));
}

#[tokio::test]
async fn a_store_that_fails_runs_nothing() {
    let db = Db::open().await;
    sqlx::raw_sql("drop table idempotency_keys").execute(&db.pool).await.unwrap();
    let failed = db.run(&guard(&REQUEST)).await;
    assert!(matches!(failed, Err(Failure::Key(Error::Database(_)))), "{failed:?}");
    assert_eq!(db.effects().await, 0);
}

#[tokio::test]
async fn an_unreadable_record_is_an_error_and_no_answer() {
    for (change, column) in [
        ("update idempotency_keys set fingerprint = x'00'", "fingerprint"),
        ("update idempotency_keys set state = 'lost'", "state"),
        ("update idempotency_keys set status = 70000", "status"),
        ("update idempotency_keys set headers = '{}'", "headers"),
        ("update idempotency_keys set fence = -1", "fence"),
        ("update idempotency_keys set body = null, reference = x'00'", "reference"),
    ] {
        let db = Db::open().await;
        assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
        let mut conn = db.pool.acquire().await.unwrap();
        sqlx::raw_sql("pragma ignore_check_constraints = on").execute(&mut *conn).await.unwrap();
        sqlx::raw_sql(change).execute(&mut *conn).await.unwrap();
        drop(conn);
        let failed = db.run(&guard(&REQUEST)).await;
        assert!(
            matches!(failed, Err(Failure::Key(Error::Corrupt { column: found })) if found == column),
            "{failed:?}"
        );
    }
}

#[tokio::test]
async fn expired_keys_are_found_by_an_index() {
    let db = Db::open().await;
    let plan: Vec<String> = sqlx::query(
        "explain query plan select id from idempotency_keys where expires_at <= 5 order by expires_at limit 10",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap()
    .iter()
    .map(|row| row.get("detail"))
    .collect();
    assert!(plan.iter().any(|line| line.contains("idempotency_keys_expires_at_idx")), "{plan:?}");
}
