//! A sweep that meets what it cannot remove, or is told to end, and goes on.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use recon_domain::{BreakKind, DatasetId, ReconciliationId, Side};
use recon_store::{JobKind, LeftoversError, SWEEP_LOOK_MAX, Sweep, Sweeping, object_name};

use crate::bench::{Bench, a_break, published};
use crate::sweep::{objects, put_before, stored};

const DAY: Duration = Duration::from_hours(24);
const LOOK: u32 = SWEEP_LOOK_MAX;
const MICRO: Duration = Duration::from_micros(1);
/// So long that files of the machine's clock are old, too.
const AGES: Duration = Duration::from_hours(24 * 36_500);

/// Makes a folder of the store whose files nobody can delete, whoever runs this; returns how many they are.
fn stubborn(bench: &Bench, folder: &str) -> u64 {
    let at = bench.object_file(folder);
    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    #[cfg(target_os = "linux")]
    std::os::unix::fs::symlink("/proc/sys/kernel/random", &at).unwrap();
    #[cfg(not(target_os = "linux"))]
    read_only(&at);
    u64::try_from(std::fs::read_dir(&at).unwrap().count()).unwrap()
}

/// Nobody but an administrator deletes from a folder that is not to be written.
#[cfg(not(target_os = "linux"))]
fn read_only(at: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir(at).unwrap();
    std::fs::write(at.join("boot_id"), "bytes").unwrap();
    std::fs::set_permissions(at, std::fs::Permissions::from_mode(0o555)).unwrap();
}

/// Ids in the order of a sweep.
fn in_order<T>(bench: &Bench, count: usize, id: impl Fn(uuid::Uuid) -> T) -> Vec<T> {
    let mut ids: Vec<_> = (0..count).map(|_| bench.next_uuid()).collect();
    ids.sort_unstable();
    ids.into_iter().map(id).collect()
}

/// A reconciliation that was deleted with one break, and nothing else.
async fn deleted(bench: &Bench) -> ReconciliationId {
    let id = bench.queued(bench.workspace).await;
    let lease = bench.lease(JobKind::Reconcile).await;
    let found = vec![a_break(id, Side::Left, 1, BreakKind::MissingRight)];
    bench.store.breaks().insert(&lease, found).await.unwrap();
    bench.store.reconciliations().publish(&lease, published()).await.unwrap();
    assert!(bench.store.reconciliations().delete(bench.workspace, id).await.unwrap());
    id
}

/// A sweep that is told to end once it has asked so often.
fn asking(bench: &Bench, times: u32) -> Sweep {
    let asked = Arc::new(AtomicU32::new(0));
    bench.store.sweep().until(move || asked.fetch_add(1, Ordering::SeqCst) >= times)
}

pub(crate) async fn an_object_that_cannot_be_deleted_keeps_no_other(bench: Bench) {
    let datasets = in_order(&bench, 2, DatasetId::from_uuid);
    let runs = in_order(&bench, 2, ReconciliationId::from_uuid);
    let of_dataset = stubborn(&bench, object_name::ingests_of(datasets[0]).trim_end_matches('/'));
    let of_run = stubborn(&bench, &format!("{}1", object_name::attempts_at(runs[0])));
    let others = [object_name::content(datasets[1], 1), object_name::matches(runs[1], 1)];
    bench.pass(AGES);
    let sweep = bench.store.sweep();
    // By pages that hold no more than what cannot be deleted, and all at once.
    for look in [u32::try_from(of_dataset.max(of_run)).unwrap(), LOOK] {
        for other in &others {
            put_before(&bench, other, DAY).await;
        }
        let (mut deleted, mut failed) = (0, 0);
        for _ in 0..2 {
            let swept = sweep.orphaned_objects(look).await.unwrap();
            (deleted, failed) = (deleted + swept.count, failed + swept.failed);
            assert!(!swept.more);
        }
        assert_eq!(deleted, 2, "pages of {look}");
        assert!(failed > of_dataset, "asked again in the next round, {failed} by pages of {look}");
        assert_eq!(u64::try_from(objects(&bench).await.len()).unwrap(), of_dataset + of_run);
    }
}

pub(crate) async fn breaks_go_where_an_object_beside_them_cannot(bench: Bench) {
    let mut runs = [deleted(&bench).await, deleted(&bench).await];
    runs.sort_unstable_by_key(|run| run.uuid());
    let count = stubborn(&bench, &format!("{}1", object_name::attempts_at(runs[0])));
    bench.put(&object_name::matches(runs[0], 2)).await;
    let removed = bench.store.leftovers().remove(runs[0], Duration::from_secs(60)).await;
    assert!(matches!(removed, Err(LeftoversError::Object(_))), "{removed:?}");
    assert_eq!(bench.stored_breaks(runs[0]).await, []);
    assert_eq!(u64::try_from(objects(&bench).await.len()).unwrap(), count, "the other object is gone");

    // The same with a sweep, which goes on to the next one.
    let again = deleted(&bench).await;
    std::fs::rename(
        bench.object_file(&object_name::attempts_at(runs[0])),
        bench.object_file(&object_name::attempts_at(again)),
    )
    .unwrap();
    let swept = bench.store.sweep().unpublished_breaks(LOOK).await.unwrap();
    assert_eq!(swept, Sweeping { count: 2, failed: 1, more: false });
    for run in [runs[1], again] {
        assert_eq!(bench.stored_breaks(run).await, []);
    }
}

pub(crate) async fn a_retention_goes_on_where_an_object_cannot_be_deleted(bench: Bench) {
    let first = stored(&bench).await;
    stubborn(&bench, &format!("{}1", object_name::uploads_of(first)));
    bench.pass(MICRO);
    let second = stored(&bench).await;
    bench.pass(30 * DAY);
    let swept = bench.store.sweep().old_datasets(30 * DAY).await.unwrap();
    assert_eq!(swept, Sweeping { count: 2, failed: 1, more: false });
    for dataset in [first, second] {
        let left = bench.store.objects().list(&object_name::ingests_of(dataset)).await.unwrap();
        assert_eq!(left, [], "what can be deleted is");
    }
}

pub(crate) async fn a_call_that_is_told_to_end_does_and_the_next_goes_on(bench: Bench) {
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(deleted(&bench).await);
    }
    for owner in in_order(&bench, 3, DatasetId::from_uuid) {
        put_before(&bench, &object_name::content(owner, 1), DAY).await;
    }
    let (cut, rest) = (
        |count| Sweeping { count, failed: 0, more: true },
        |count| Sweeping { count, failed: 0, more: false },
    );
    // Nothing is begun once it is over.
    assert_eq!(asking(&bench, 0).unpublished_breaks(LOOK).await.unwrap(), cut(0));
    assert_eq!(asking(&bench, 0).orphaned_objects(LOOK).await.unwrap(), cut(0));
    assert_eq!(asking(&bench, 2).orphaned_objects(LOOK).await.unwrap(), cut(2));
    assert_eq!(bench.store.sweep().orphaned_objects(LOOK).await.unwrap(), rest(1));
    let first = asking(&bench, 2).unpublished_breaks(LOOK).await.unwrap();
    assert!(first.more && (1..3).contains(&first.count), "{first:?}");
    assert_eq!(bench.store.sweep().unpublished_breaks(LOOK).await.unwrap(), rest(3 - first.count));
}

pub(crate) async fn a_retention_that_is_told_to_end_does_and_the_next_goes_on(bench: Bench) {
    for _ in 0..3 {
        stored(&bench).await;
    }
    bench.pass(30 * DAY);
    let some = asking(&bench, 2).old_datasets(30 * DAY).await.unwrap();
    assert_eq!(some, Sweeping { count: 2, failed: 0, more: true });
    let rest = bench.store.sweep().old_datasets(30 * DAY).await.unwrap();
    assert_eq!(rest, Sweeping { count: 1, failed: 0, more: false });
}

/// Where an upload of this name is written before it has it, as the library does; last written so long ago.
fn staged(bench: &Bench, name: &str, ago: Duration) -> std::path::PathBuf {
    let at = bench.object_file(&format!("{name}#1"));
    std::fs::create_dir_all(at.parent().unwrap()).unwrap();
    std::fs::write(&at, "half of it").unwrap();
    crate::sweep::written_before(bench, &at, ago);
    at
}

pub(crate) async fn what_a_killed_upload_left_half_written_goes(bench: Bench) {
    let kept = stored(&bench).await;
    let before = objects(&bench).await;
    let uploads = object_name::uploads_of(kept);
    let old = [
        staged(&bench, &format!("{uploads}0f0f0f0f-0000-4000-8000-000000000001"), DAY),
        staged(&bench, &object_name::content(DatasetId::from_uuid(bench.next_uuid()), 1), DAY),
        staged(&bench, &object_name::matches(ReconciliationId::from_uuid(bench.next_uuid()), 3), DAY),
        staged(&bench, "installation", DAY),
    ];
    // One that is being written, one that is nobody's here, and an object with a name that only looks so.
    let young = [
        staged(&bench, &format!("{uploads}0f0f0f0f-0000-4000-8000-000000000002"), Duration::from_mins(90)),
        staged(&bench, "elsewhere/1", DAY),
    ];
    let sweep = bench.store.sweep();
    assert_eq!(sweep.orphaned_objects(LOOK).await.unwrap(), Sweeping { count: 4, failed: 0, more: false });
    assert!(old.iter().all(|path| !path.exists()) && young.iter().all(|path| path.exists()));
    assert!(old[1..3].iter().all(|path| !path.parent().unwrap().exists()), "no empty folder is left");
    assert_eq!(objects(&bench).await, before);
    assert_eq!(sweep.orphaned_objects(LOOK).await.unwrap(), Sweeping::default());
}

pub(crate) async fn what_is_half_written_beside_another_database_is_left_alone(bench: Bench) {
    let name = object_name::content(DatasetId::from_uuid(bench.next_uuid()), 1);
    let path = staged(&bench, &name, DAY);
    let other = bench.beside("other.db").await;
    assert_eq!(other.sweep().orphaned_objects(LOOK).await.unwrap(), Sweeping::default());
    assert!(Path::exists(&path));
}
