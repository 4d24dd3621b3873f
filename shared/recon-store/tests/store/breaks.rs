//! Breaks: insertion, visibility, lists.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use recon_domain::{BreakKind, BreakStatus, ReconciliationId, Side};
use recon_store::{
    BREAK_PAGE_BYTES, BREAKS_PER_BATCH_MAX, BREAKS_PER_PAGE_MAX, BreakFilter, BreakPage, BreakPlace,
    BreakSeek, JobKind, NewBreak,
};

use crate::bench::{Bench, a_break, json, published};

/// 23 breaks, inserted in no order.
fn some_breaks(id: ReconciliationId) -> Vec<NewBreak> {
    let mut breaks: Vec<_> = (0..23_u32)
        .map(|number| {
            let kind = if number % 3 == 0 { BreakKind::Duplicate } else { BreakKind::MissingRight };
            let side = if number % 2 == 0 { Side::Right } else { Side::Left };
            a_break(id, side, 1000 - number * 7, kind)
        })
        .collect();
    breaks.rotate_left(9);
    breaks
}

/// A published run with these breaks.
async fn publish(bench: &Bench, breaks: impl Fn(ReconciliationId) -> Vec<NewBreak>) -> ReconciliationId {
    let id = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    bench.store.breaks().insert(&lease, breaks(id)).await.unwrap();
    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    id
}

async fn page(bench: &Bench, id: ReconciliationId, filter: BreakFilter, seek: BreakSeek) -> BreakPage {
    bench.store.breaks().list(bench.workspace, id, filter, seek).await.unwrap().unwrap()
}

/// Every place, page by page.
async fn walk(bench: &Bench, id: ReconciliationId, filter: BreakFilter, limit: u32) -> Vec<BreakPlace> {
    let (mut places, mut after) = (Vec::new(), None);
    loop {
        let page = page(bench, id, filter, BreakSeek { after, limit }).await;
        assert!(page.items.len() <= usize::try_from(limit).unwrap());
        places.extend(page.items.iter().map(recon_store::BreakRecord::place));
        match page.next {
            None => return places,
            Some(_) => after = page.next,
        }
    }
}

pub(crate) async fn breaks_show_only_when_their_attempt_is_published(bench: Bench) {
    let id = bench.queued(bench.workspace).await;
    let all = BreakFilter::default();
    let start = BreakSeek { after: None, limit: 50 };
    let lease = bench.lease(JobKind::Reconcile).await;
    bench.store.breaks().insert(&lease, some_breaks(id)).await.unwrap();
    assert!(page(&bench, id, all, start).await.items.is_empty());
    // A second attempt finds something else, and only that is ever seen.
    bench.store.jobs().release(&lease).await.unwrap();
    let lease = bench.lease(JobKind::Reconcile).await;
    bench
        .store
        .breaks()
        .insert(&lease, vec![a_break(id, Side::Left, 5, BreakKind::Ambiguous)])
        .await
        .unwrap();
    assert!(page(&bench, id, all, start).await.items.is_empty());
    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    let shown = page(&bench, id, all, start).await;
    assert_eq!((shown.items.len(), shown.next), (1, None));
    let only = &shown.items[0];
    assert_eq!((only.side, only.row, only.kind), (Side::Left, 5, BreakKind::Ambiguous));
    assert_eq!((only.status, only.version, only.body.as_str()), (BreakStatus::Open, 1, r#"{"row":5}"#));
    assert_eq!(only.id, recon_domain::BreakId::derive(id, Side::Left, 5));
}

pub(crate) async fn pages_hold_every_break_once_in_order(bench: Bench) {
    let id = publish(&bench, some_breaks).await;
    let mut expected: Vec<_> =
        some_breaks(id).iter().map(|new| BreakPlace { side: new.side, row: new.row }).collect();
    expected.sort_unstable();
    for limit in [1, 4, 22, 23, 24, BREAKS_PER_PAGE_MAX] {
        assert_eq!(walk(&bench, id, BreakFilter::default(), limit).await, expected, "pages of {limit}");
    }
}

pub(crate) async fn filters_narrow_the_list(bench: Bench) {
    let id = publish(&bench, some_breaks).await;
    let sides = [None, Some(Side::Left), Some(Side::Right)];
    let kinds = [None, Some(BreakKind::Duplicate), Some(BreakKind::MissingLeft)];
    let statuses = [None, Some(BreakStatus::Open), Some(BreakStatus::Resolved)];
    for side in sides {
        for kind in kinds {
            for status in statuses {
                let mut expected: Vec<_> = some_breaks(id)
                    .iter()
                    .filter(|new| side.is_none_or(|side| side == new.side))
                    .filter(|new| kind.is_none_or(|kind| kind == new.kind))
                    .filter(|_| status.is_none_or(|status| status == BreakStatus::Open))
                    .map(|new| BreakPlace { side: new.side, row: new.row })
                    .collect();
                expected.sort_unstable();
                let filter = BreakFilter { side, kind, status };
                assert_eq!(walk(&bench, id, filter, 3).await, expected, "{filter:?}");
            }
        }
    }
}

pub(crate) async fn a_place_on_the_other_side_is_still_a_place(bench: Bench) {
    let id = publish(&bench, some_breaks).await;
    let (left, right) = (Side::Left, Side::Right);
    for (only, after, expected) in [(right, left, 12), (left, right, 0)] {
        let filter = BreakFilter { side: Some(only), ..BreakFilter::default() };
        let seek = BreakSeek { after: Some(BreakPlace { side: after, row: 900 }), limit: 50 };
        assert_eq!(page(&bench, id, filter, seek).await.items.len(), expected);
    }
}

pub(crate) async fn the_same_breaks_again_change_nothing(bench: Bench) {
    let id = publish(&bench, |id| some_breaks(id).into_iter().chain(some_breaks(id)).collect()).await;
    assert_eq!(walk(&bench, id, BreakFilter::default(), 50).await.len(), some_breaks(id).len());
}

pub(crate) async fn a_large_run_is_inserted_in_short_transactions(bench: Bench) {
    let count = u32::try_from(BREAKS_PER_BATCH_MAX).unwrap() + 1;
    let id = publish(&bench, |id| {
        (1..=count).map(|row| a_break(id, Side::Left, row, BreakKind::MissingRight)).collect()
    })
    .await;
    let rows: Vec<_> = walk(&bench, id, BreakFilter::default(), BREAKS_PER_PAGE_MAX).await;
    assert!(rows.iter().map(|place| place.row).eq(1..=count));
}

pub(crate) async fn a_page_of_long_breaks_ends_early(bench: Bench) {
    // Three of them make a page's bytes full; so does one of the last two.
    let (third, whole) = (BREAK_PAGE_BYTES / 3 + 1, 2 * BREAK_PAGE_BYTES);
    let lengths = [third, third, third, third, 9, 9, whole, whole, 9];
    let id = publish(&bench, |id| {
        let long = |(row, length): (u32, &usize)| {
            let body = json(&format!("\"{}\"", "x".repeat(length - 2)));
            NewBreak { body, ..a_break(id, Side::Left, row, BreakKind::MissingRight) }
        };
        (1..).zip(&lengths).map(long).collect()
    })
    .await;
    let (mut pages, mut after) = (Vec::new(), None);
    for filter in [BreakFilter::default(), BreakFilter { side: Some(Side::Left), ..BreakFilter::default() }] {
        loop {
            let page = page(&bench, id, filter, BreakSeek { after, limit: 500 }).await;
            pages.push(page.items.iter().map(|item| item.row).collect::<Vec<_>>());
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(pages, [vec![1, 2, 3], vec![4, 5, 6, 7], vec![8], vec![9]]);
        pages.clear();
    }
}

/// Polls a future until it has stopped so many times; its answer where that comes before.
async fn stopped<F: Future>(mut future: Pin<&mut F>, mut times: u32) -> Option<F::Output> {
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if times == 0 => Poll::Ready(None),
        Poll::Pending => {
            times -= 1;
            Poll::Pending
        }
    })
    .await
}

pub(crate) async fn a_page_is_whole_or_absent_wherever_a_deletion_comes_between(bench: Bench) {
    let seek = BreakSeek { after: None, limit: BREAKS_PER_PAGE_MAX };
    let (breaks, filter) = (bench.store.breaks(), BreakFilter::default());
    let mut between = 0;
    for stop in 0..24 {
        let id = publish(&bench, some_breaks).await;
        let mut list = pin!(breaks.list(bench.workspace, id, filter, seek));
        let before = stopped(list.as_mut(), stop).await;
        // Somebody deletes it, and its breaks go.
        assert!(bench.store.reconciliations().delete(bench.workspace, id).await.unwrap());
        let removed = bench.store.leftovers().remove(id, Duration::from_secs(60)).await.unwrap();
        assert_eq!((removed.breaks, removed.all), (23, true));
        let page = match before {
            Some(page) => page,
            None => {
                between += 1;
                list.await
            }
        };
        if let Some(page) = page.unwrap() {
            assert_eq!((page.items.len(), page.next), (23, None), "deleted after {stop} stops");
        }
    }
    assert!(between > 0, "no deletion came between");
}
