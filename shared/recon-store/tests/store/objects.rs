//! Objects in a folder.

use std::io::{Error as IoError, Read};

use bytes::Bytes;
use futures_util::{Stream, stream};
use recon_store::{ObjectEntry, ObjectError, Objects, Store, StoreConfig};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn objects() -> (Objects, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let objects = Store::open(&StoreConfig::in_folder(folder.path())).objects();
    (objects, folder)
}

fn chunks(texts: &[&'static str]) -> stream::Iter<std::vec::IntoIter<Result<Bytes, IoError>>> {
    stream::iter(texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect::<Vec<_>>())
}

/// A stream that goes on until its sender is dropped.
fn pipe() -> (UnboundedSender<Result<Bytes, IoError>>, impl Stream<Item = Result<Bytes, IoError>> + Send) {
    let (sender, receiver) = unbounded_channel();
    let received = stream::unfold(receiver, |mut receiver| async move {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    });
    (sender, received)
}

fn names(entries: &[ObjectEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

/// All of an object.
async fn bytes_of(objects: &Objects, name: &str) -> Result<Vec<u8>, ObjectError> {
    let mut bytes = Vec::new();
    objects.open(name).await?.read_to_end(&mut bytes).unwrap();
    Ok(bytes)
}

/// The files of the folder, whatever the store says.
fn files(folder: &TempDir) -> Vec<String> {
    let mut below = vec![folder.path().to_owned()];
    let mut files = Vec::new();
    while let Some(path) = below.pop() {
        match std::fs::read_dir(&path) {
            Ok(entries) => below.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) => files.push(path.file_name().unwrap().to_string_lossy().into_owned()),
        }
    }
    files
}

#[tokio::test]
async fn a_stream_becomes_an_object_with_its_size_and_hash() {
    let (objects, _folder) = objects();
    let written = objects.put_stream("a/b", chunks(&["a", "", "bc"]), 3).await.unwrap();
    assert_eq!((written.bytes, written.sha256.as_str()), (3, ABC_SHA256));
    assert_eq!(bytes_of(&objects, "a/b").await.unwrap(), b"abc");
}

#[tokio::test]
async fn a_stream_of_many_parts_keeps_their_order() {
    let (objects, folder) = objects();
    let bytes: Vec<u8> =
        (0..13_000_000_u32).map(|number| number.to_le_bytes()[number as usize % 3]).collect();
    let pieces: Vec<_> =
        bytes.chunks(70_001).map(|piece| Ok::<_, IoError>(Bytes::copy_from_slice(piece))).collect();
    let streamed = objects.put_stream("big", stream::iter(pieces), u64::MAX).await.unwrap();
    assert_eq!(streamed.bytes, 13_000_000);
    let file = folder.path().join("file");
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(objects.put_file("same", &file).await.unwrap(), streamed);
    assert!(bytes_of(&objects, "big").await.unwrap() == bytes);
}

#[tokio::test]
async fn an_empty_stream_is_an_empty_object() {
    let (objects, _folder) = objects();
    assert_eq!(objects.put_stream("empty", chunks(&[]), 0).await.unwrap().bytes, 0);
    assert_eq!(bytes_of(&objects, "empty").await.unwrap(), b"");
}

#[tokio::test]
async fn what_is_too_large_or_breaks_off_leaves_nothing() {
    let (objects, folder) = objects();
    let refused = objects.put_stream("a", chunks(&["ab", "cd"]), 3).await;
    assert!(matches!(refused, Err(ObjectError::TooLarge { bytes_max: 3 })));
    let broken = stream::iter([Ok(Bytes::from_static(b"ab")), Err(IoError::other("client went away"))]);
    let refused = objects.put_stream("b", broken, 9).await;
    assert!(matches!(refused, Err(ObjectError::Interrupted { .. })));
    let refused = objects.put_file("c", &folder.path().join("missing")).await;
    assert!(matches!(refused, Err(ObjectError::Interrupted { .. })));
    assert_eq!(files(&folder), Vec::<String>::new());
}

#[tokio::test]
async fn an_object_appears_only_when_it_is_whole() {
    let (objects, folder) = objects();
    let (sender, receiver) = pipe();
    let writing = tokio::spawn({
        let objects = objects.clone();
        async move { objects.put_stream("late", receiver, 99).await }
    });
    sender.send(Ok(Bytes::from_static(b"ab"))).unwrap();
    while files(&folder).is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(matches!(objects.open("late").await, Err(ObjectError::NotFound { .. })));
    assert!(objects.list("").await.unwrap().is_empty());
    drop(sender);
    assert_eq!(writing.await.unwrap().unwrap().bytes, 2);
    assert_eq!(bytes_of(&objects, "late").await.unwrap(), b"ab");
}

#[tokio::test]
async fn a_writer_that_goes_away_leaves_nothing() {
    let (objects, folder) = objects();
    let (sender, receiver) = pipe();
    let writing = tokio::spawn({
        let objects = objects.clone();
        async move { objects.put_stream("gone", receiver, 99).await }
    });
    sender.send(Ok(Bytes::from_static(b"ab"))).unwrap();
    while files(&folder).is_empty() {
        tokio::task::yield_now().await;
    }
    writing.abort();
    assert!(writing.await.unwrap_err().is_cancelled());
    while !files(&folder).is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_missing_object_is_not_found_and_deletes_in_peace() {
    let (objects, _folder) = objects();
    assert!(matches!(objects.open("x").await, Err(ObjectError::NotFound { name }) if name == "x"));
    objects.delete("x").await.unwrap();
    objects.put_stream("x", chunks(&["abc"]), 9).await.unwrap();
    objects.delete("x").await.unwrap();
    objects.delete("x").await.unwrap();
    assert!(matches!(objects.open("x").await, Err(ObjectError::NotFound { .. })));
}

#[tokio::test]
async fn a_list_shows_what_lies_below_in_order() {
    let (objects, folder) = objects();
    for name in ["u/2/b", "u/2/a", "u/1/c", "u/22/d"] {
        objects.put_stream(name, chunks(&["x"]), 9).await.unwrap();
    }
    let listed = async |below| objects.list(below).await.unwrap();
    assert_eq!(names(&listed("u/2").await), ["u/2/a", "u/2/b"]);
    assert_eq!(names(&listed("u/2/").await), ["u/2/a", "u/2/b"]);
    assert_eq!(objects.list("").await.unwrap().len(), 4);
    assert_eq!(objects.list("v").await.unwrap(), []);
    assert_eq!(objects.list("u/2/a").await.unwrap(), [], "a name is below itself only as a folder");
    let first = objects.list("u/2").await.unwrap().remove(0);
    assert_eq!(first.bytes, 1);
    let written = std::fs::metadata(folder.path().join("objects/u/2/a")).unwrap().modified().unwrap();
    let written = written.duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
    assert_eq!(u128::try_from(first.modified.micros()).unwrap(), written);
}

#[tokio::test]
async fn pages_hold_every_object_once_in_the_order_of_their_names() {
    let (objects, _folder) = objects();
    for name in ["u/2/b", "u/1/c", "u/22/d", "u/2/a", "v/1", "u/10"] {
        objects.put_stream(name, chunks(&["x"]), 9).await.unwrap();
    }
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = objects.page("u", &after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after.clone_from(&last.name);
        found.extend(page.into_iter().map(|entry| entry.name));
    }
    assert_eq!(found, ["u/1/c", "u/10", "u/2/a", "u/2/b", "u/22/d"]);
    assert_eq!(objects.page("w", "", 2).await.unwrap(), []);
}

#[tokio::test]
async fn what_lies_below_a_name_is_deleted_and_its_neighbours_are_not() {
    let (objects, folder) = objects();
    for name in ["u/2/b", "u/2/a", "u/22/d"] {
        objects.put_stream(name, chunks(&["x"]), 9).await.unwrap();
    }
    assert_eq!(objects.delete_below("u/2/").await.unwrap(), 2);
    assert_eq!(objects.delete_below("u/2/").await.unwrap(), 0);
    assert_eq!(names(&objects.list("u").await.unwrap()), ["u/22/d"]);
    assert!(!folder.path().join("objects/u/2").exists(), "no empty folder is left");
}

#[tokio::test]
async fn a_name_cannot_leave_the_folder() {
    let (objects, _folder) = objects();
    for name in ["../x", "a/../../x", "a//b", "a/./b"] {
        let refused = objects.put_stream(name, chunks(&["x"]), 9).await;
        assert!(matches!(refused, Err(ObjectError::MalformedName)), "{name}");
        assert!(matches!(objects.open(name).await, Err(ObjectError::MalformedName)), "{name}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_unavailable() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("objects"), "a file in the way").unwrap();
    let objects = Store::open(&StoreConfig::in_folder(folder.path())).objects();
    assert!(matches!(objects.check().await, Err(ObjectError::Unavailable { .. })));
    assert!(matches!(objects.open("x").await, Err(ObjectError::Unavailable { .. })));
}

#[tokio::test]
async fn a_folder_that_is_lost_is_unavailable_and_not_made_again_by_looking() {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::in_folder(folder.path());
    let store = Store::open(&config);
    let (objects, root) = (store.objects(), folder.path().join("objects"));
    assert!(matches!(objects.check().await, Err(ObjectError::Unavailable { .. })));
    store.migrate().await.unwrap();
    objects.check().await.unwrap();
    let left: Vec<_> = std::fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["installation"], "looking leaves nothing");

    std::fs::remove_dir_all(&root).unwrap();
    assert!(matches!(objects.check().await, Err(ObjectError::Unavailable { .. })));
    store.migrate().await.unwrap();
    assert!(!root.exists(), "an installation with records does not hide that its objects are gone");
    objects.put_stream("x", chunks(&["abc"]), 9).await.unwrap();
    objects.check().await.unwrap();
}
