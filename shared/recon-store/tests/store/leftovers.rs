//! What attempts left behind.

use std::time::Duration;

use recon_domain::{BreakKind, ReconciliationId, Side};
use recon_store::{
    BREAK_BATCH_BYTES, BreakFilter, BreakSeek, JobKind, Lease, NewBreak, Removed, object_name,
};

use crate::bench::{Bench, a_break, json, published};

const LONG: Duration = Duration::from_secs(60);
const NOTHING: Removed = Removed { breaks: 0, objects: 0, all: true };

/// An attempt that wrote some breaks and an object.
async fn attempt(bench: &Bench, id: ReconciliationId, breaks: u32) -> Lease {
    let lease = bench.lease(JobKind::Reconcile).await;
    let found = (1..=breaks).map(|row| a_break(id, Side::Left, row, BreakKind::MissingRight)).collect();
    bench.store.breaks().insert(&lease, found).await.unwrap();
    bench.put(&object_name::matches(id, lease.attempt)).await;
    lease
}

async fn objects(bench: &Bench, id: ReconciliationId) -> Vec<String> {
    let found = bench.store.objects().list(&object_name::attempts_at(id)).await.unwrap();
    found.into_iter().map(|object| object.name).collect()
}

pub(crate) async fn a_result_and_a_running_attempt_are_no_leftovers(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    for number in 1..=2 {
        let lease = attempt(&bench, id, number).await;
        bench.store.jobs().release(&lease).await.unwrap();
    }
    let lease = attempt(&bench, id, 3).await;
    let other = bench.queued(bench.workspace).await;
    attempt(&bench, other, 5).await;

    let leftovers = bench.store.leftovers();
    assert_eq!(leftovers.remove(other, LONG).await.unwrap(), NOTHING);
    assert_eq!(bench.stored_breaks(other).await, [(1, 5)]);
    assert_eq!(objects(&bench, other).await, [object_name::matches(other, 1)]);
    assert_eq!(bench.stored_breaks(id).await, [(1, 1), (2, 2), (3, 3)]);
    assert_eq!(leftovers.remove(id, LONG).await.unwrap(), Removed { breaks: 3, objects: 2, all: true });
    assert_eq!(bench.stored_breaks(id).await, [(3, 3)]);
    assert_eq!(objects(&bench, id).await, [object_name::matches(id, 3)]);

    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    assert_eq!(leftovers.remove(id, LONG).await.unwrap(), NOTHING);
    assert_eq!(bench.stored_breaks(id).await, [(3, 3)]);
    assert_eq!(objects(&bench, id).await, [object_name::matches(id, 3)]);
    let seek = BreakSeek { after: None, limit: 10 };
    let shown = bench.store.breaks().list(bench.workspace, id, BreakFilter::default(), seek).await;
    assert_eq!(shown.unwrap().unwrap().items.len(), 3);
}

pub(crate) async fn everything_of_a_deleted_reconciliation_is_left_over(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let lease = attempt(&bench, id, 2).await;
    bench.store.jobs().release(&lease).await.unwrap();
    let lease = attempt(&bench, id, 2).await;
    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    let other = bench.queued(bench.workspace).await;
    attempt(&bench, other, 2).await;
    assert!(bench.store.reconciliations().delete(bench.workspace, id).await.unwrap());
    let all = Removed { breaks: 4, objects: 2, all: true };
    assert_eq!(bench.store.leftovers().remove(id, LONG).await.unwrap(), all);
    assert_eq!(bench.stored_breaks(id).await, []);
    assert_eq!(objects(&bench, id).await, [""; 0]);
    assert_eq!(bench.stored_breaks(other).await, [(1, 2)], "another one's stay");
    assert_eq!(objects(&bench, other).await.len(), 1);
    assert_eq!(bench.store.leftovers().remove(id, LONG).await.unwrap(), NOTHING);
}

pub(crate) async fn many_leftovers_take_several_calls_for_those_without_patience(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let lease = attempt(&bench, id, 10_001).await;
    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    bench.store.reconciliations().delete(bench.workspace, id).await.unwrap();
    let leftovers = bench.store.leftovers();
    let some = leftovers.remove(id, Duration::ZERO).await.unwrap();
    assert_eq!(some, Removed { breaks: 5_000, objects: 1, all: false });
    assert_eq!(bench.stored_breaks(id).await, [(1, 5_001)]);
    let others = leftovers.remove(id, LONG).await.unwrap();
    assert_eq!(others, Removed { breaks: 5_001, objects: 0, all: true });
    assert_eq!(bench.stored_breaks(id).await, []);
}

pub(crate) async fn long_leftovers_go_in_transactions_of_few(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    // Four of them make a transaction's bytes full; so does the one before the last.
    let (quarter, whole) = (BREAK_BATCH_BYTES / 4, 2 * BREAK_BATCH_BYTES);
    let lengths = [quarter, quarter, quarter, quarter, quarter, 9, whole, 9];
    let sides = [
        Side::Left,
        Side::Left,
        Side::Right,
        Side::Right,
        Side::Right,
        Side::Right,
        Side::Right,
        Side::Right,
    ];
    let long = |((row, length), side): ((u32, &usize), Side)| {
        let body = json(&format!("\"{}\"", "x".repeat(length - 2)));
        NewBreak { body, ..a_break(id, side, row, BreakKind::MissingRight) }
    };
    let found = (1..).zip(&lengths).zip(sides).map(long).collect();
    bench.store.breaks().insert(&lease, found).await.unwrap();
    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    bench.store.reconciliations().delete(bench.workspace, id).await.unwrap();
    // Without patience, a call is one transaction.
    for (breaks, left) in [(4, 4), (3, 1), (1, 0)] {
        let removed = bench.store.leftovers().remove(id, Duration::ZERO).await.unwrap();
        assert_eq!(removed, Removed { breaks, objects: 0, all: left == 0 });
        let stored: u32 = bench.stored_breaks(id).await.iter().map(|(_, count)| count).sum();
        assert_eq!(stored, left);
    }
    assert_eq!(bench.store.leftovers().remove(id, LONG).await.unwrap(), NOTHING);
}
