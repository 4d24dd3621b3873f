//! Which database a folder of objects belongs to.

use std::path::Path;

use recon_store::{ObjectUrl, Store, StoreConfig, Tie};

use crate::bench::Bench;

/// The bench's database, with its objects in this folder.
fn with_objects(bench: &Bench, folder: &Path) -> Store {
    let objects = ObjectUrl::Folder(folder.to_owned());
    Store::open(&StoreConfig { objects, ..bench.config.clone() })
}

async fn ties(stores: [&Store; 2]) -> [Tie; 2] {
    [stores[0].objects_tie().await.unwrap(), stores[1].objects_tie().await.unwrap()]
}

pub(crate) async fn objects_of_another_place_are_foreign_until_they_are_adopted(bench: Bench) {
    let folder = tempfile::tempdir().unwrap();
    let moved = with_objects(&bench, folder.path());
    assert_eq!(ties([&bench.store, &moved]).await, [Tie::Ours, Tie::Foreign]);
    // A migration from elsewhere decides nothing anew.
    moved.migrate().await.unwrap();
    assert_eq!(ties([&bench.store, &moved]).await, [Tie::Ours, Tie::Foreign]);
    moved.adopt_objects().await.unwrap();
    assert_eq!(ties([&bench.store, &moved]).await, [Tie::Foreign, Tie::Ours]);
}

pub(crate) async fn of_several_that_tie_at_once_one_decides(bench: Bench) {
    for _ in 0..8 {
        bench.untie().await;
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let stores = [with_objects(&bench, folders[0].path()), with_objects(&bench, folders[1].path())];
        let [one, other] = &stores;
        let (first, second) = tokio::join!(one.migrate(), other.migrate());
        first.and(second).unwrap();
        let ties = ties([one, other]).await;
        assert!(matches!(ties, [Tie::Ours, Tie::Foreign] | [Tie::Foreign, Tie::Ours]), "{ties:?}");
    }
}

pub(crate) async fn a_folder_that_is_somebodys_is_tied_by_hand_only(bench: Bench) {
    let other = bench.beside("other.db").await;
    assert_eq!(ties([&bench.store, &other]).await, [Tie::Ours, Tie::Loose]);
    bench.untie().await;
    bench.store.migrate().await.unwrap();
    assert_eq!(bench.store.objects_tie().await.unwrap(), Tie::Loose);
    bench.store.adopt_objects().await.unwrap();
    assert_eq!(ties([&bench.store, &other]).await, [Tie::Ours, Tie::Loose]);
    // Two that take themselves for the owner would sweep each other's objects away.
    other.adopt_objects().await.unwrap();
    assert_eq!(ties([&bench.store, &other]).await, [Tie::Foreign, Tie::Ours]);
}
