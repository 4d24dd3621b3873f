//! Which database a folder of objects belongs to.

use std::path::Path;

use recon_store::{DatabaseUrl, Error, ObjectUrl, Store, StoreConfig, Tie};

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

pub(crate) async fn a_migration_that_is_tried_again_takes_nothing_that_the_first_would_not(bench: Bench) {
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("objects");
    std::fs::write(&objects, "a file in the way").unwrap();
    let new = bench.new_beside("new.db", &objects).await;
    let failed = new.migrate().await;
    assert!(matches!(failed, Err(Error::Unavailable { doing: Store::TIE_OBJECTS, .. })), "{failed:?}");
    std::fs::remove_file(&objects).unwrap();
    std::fs::create_dir_all(objects.join("uploads")).unwrap();
    std::fs::write(objects.join("uploads/somebodys"), "bytes").unwrap();
    new.migrate().await.unwrap();
    assert_eq!(new.objects_tie().await.unwrap(), Tie::Loose);
    // Not with records either, which were made after it.
    new.workspaces().ensure(bench.workspace, &"ours".parse().unwrap()).await.unwrap();
    new.migrate().await.unwrap();
    assert_eq!(new.objects_tie().await.unwrap(), Tie::Loose);
    std::fs::remove_file(objects.join("uploads/somebodys")).unwrap();
    new.migrate().await.unwrap();
    assert_eq!(new.objects_tie().await.unwrap(), Tie::Ours);
}

pub(crate) async fn a_tie_that_was_cut_off_is_made_by_the_next_migration(bench: Bench) {
    let (fail, mend) = match bench.config.database {
        DatabaseUrl::Sqlite(_) => (
            "create trigger fails before insert on sweep_places when new.task = 'installation'
             begin select raise(abort, 'it fails once'); end",
            "drop trigger fails",
        ),
        DatabaseUrl::Postgres(_) => (
            "alter table sweep_places add constraint fails check (task <> 'installation')",
            "alter table sweep_places drop constraint fails",
        ),
    };
    for has_records in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let store = with_objects(&bench, folder.path());
        bench.untie().await;
        if !has_records {
            bench.execute("delete from workspaces").await;
        }
        bench.execute(fail).await;
        store.migrate().await.unwrap_err();
        assert!(folder.path().join("installation").exists(), "the objects said it already");
        bench.execute(mend).await;
        // Another database does not take it for its own meanwhile.
        let other = bench.new_beside(&format!("{has_records}.db"), folder.path()).await;
        other.migrate().await.unwrap();
        store.migrate().await.unwrap();
        assert_eq!(ties([&store, &other]).await, [Tie::Ours, Tie::Loose]);
    }
}
