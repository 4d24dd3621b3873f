//! What only SQLite has.

use recon_idempotency::{ClaimOutcome, Error};
use sqlx::Row;

use crate::database::{Database, Dialect, Failure};
use crate::sample::{REQUEST, guard};

#[tokio::test]
async fn an_unreadable_record_is_an_error_and_no_answer() {
    for (change, column) in [
        ("update idempotency_keys set fingerprint = x'00'", "fingerprint"),
        ("update idempotency_keys set state = 'lost'", "state"),
        ("update idempotency_keys set state = 'in_progress'", "lease_until"),
        ("update idempotency_keys set status = 70000", "status"),
        ("update idempotency_keys set headers = '{}'", "headers"),
        ("update idempotency_keys set fence = -1", "fence"),
        ("update idempotency_keys set body = null, reference = x'00'", "reference"),
    ] {
        let db = Database::open(Dialect::Sqlite).await;
        assert!(matches!(db.run(&guard(&REQUEST)).await.unwrap(), ClaimOutcome::Fresh { .. }));
        db.change(&format!("pragma ignore_check_constraints = on; {change}")).await;
        let failed = db.run(&guard(&REQUEST)).await;
        assert!(
            matches!(failed, Err(Failure::Key(Error::Corrupt { column: found })) if found == column),
            "{failed:?}"
        );
    }
}

#[tokio::test]
async fn expired_keys_are_found_by_an_index() {
    let Database::Sqlite(pool, _folder) = Database::open(Dialect::Sqlite).await else {
        panic!("another one")
    };
    let plan: Vec<String> = sqlx::query(
        "explain query plan select id from idempotency_keys where expires_at <= 5 order by expires_at limit 10",
    )
    .fetch_all(&pool)
    .await
    .unwrap()
    .iter()
    .map(|row| row.get("detail"))
    .collect();
    assert!(plan.iter().any(|line| line.contains("idempotency_keys_expires_at_idx")), "{plan:?}");
}
