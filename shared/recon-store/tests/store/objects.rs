//! Objects: the same behaviours in a folder and in a bucket.

use std::io::{Error as IoError, Read, Seek, SeekFrom};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use recon_store::{
    DatabaseUrl, ObjectAccess, ObjectEntry, ObjectError, ObjectUrl, Objects, Store, StoreConfig,
};
use recon_testkit::S3;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
/// More than is gathered before something is written anywhere.
const MANY: &[u8] = &[b'x'; 6 * 1024 * 1024];
/// How long something may take that another task does.
const PATIENCE: Duration = Duration::from_secs(60);

/// Objects, and a look past them at where they are.
pub(crate) struct Shelf {
    objects: Objects,
    place: Place,
}

enum Place {
    Folder(TempDir),
    Bucket(String),
}

impl Shelf {
    fn in_a_folder() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let objects = Store::open(&StoreConfig::in_folder(folder.path())).objects();
        // As a new installation does.
        std::fs::create_dir(folder.path().join("objects")).unwrap();
        Self { objects, place: Place::Folder(folder) }
    }

    async fn in_a_bucket() -> Self {
        let bucket = s3(|s3| s3.bucket().unwrap()).await;
        let url = s3({
            let bucket = bucket.clone();
            move |s3| s3.url(&bucket)
        })
        .await;
        Self { objects: Store::open(&in_bucket(&url)).objects(), place: Place::Bucket(bucket) }
    }

    /// How many objects are begun that no list shows.
    async fn unfinished(&self) -> usize {
        match &self.place {
            Place::Folder(folder) => files(folder).iter().filter(|name| name.contains('#')).count(),
            Place::Bucket(bucket) => {
                let bucket = bucket.clone();
                s3(move |s3| s3.unfinished(&bucket).unwrap()).await
            }
        }
    }

    /// Waits until so many are.
    async fn until_unfinished(&self, wanted: usize) {
        let waited = tokio::time::timeout(PATIENCE, async {
            while self.unfinished().await != wanted {
                tokio::task::yield_now().await;
            }
        });
        waited.await.expect("in time");
    }
}

/// What a test asks the S3 of this process.
pub(crate) async fn s3<T: Send + 'static>(ask: impl FnOnce(&'static S3) -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(|| ask(S3::shared().unwrap())).await.unwrap()
}

/// A store whose objects are in this bucket, and whose database nobody opens.
pub(crate) fn in_bucket(url: &str) -> StoreConfig {
    let variable = |name: &str| {
        S3::CREDENTIALS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let object_access = ObjectAccess::new(None, variable);
    let objects = ObjectUrl::parse(url, &object_access).unwrap();
    let database = DatabaseUrl::parse("sqlite://nobody/opens/this.db").unwrap();
    StoreConfig { database, objects, object_access, pool_connections_max: 1 }
}

/// Every behaviour that objects have wherever they are.
macro_rules! on_both {
    ($($behaviour:ident,)+) => {
        mod in_a_folder {
            $(#[tokio::test]
            async fn $behaviour() {
                super::$behaviour(super::Shelf::in_a_folder()).await;
            })+
        }

        mod in_a_bucket {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                super::$behaviour(super::Shelf::in_a_bucket().await).await;
            })+
        }
    };
}

on_both! {
    a_stream_becomes_an_object_with_its_size_and_hash,
    a_stream_of_many_parts_keeps_their_order,
    an_empty_stream_is_an_empty_object,
    what_is_too_large_or_breaks_off_leaves_nothing,
    an_object_appears_only_when_it_is_whole,
    a_writer_that_goes_away_leaves_nothing,
    of_several_that_write_where_nothing_is_one_does,
    what_is_open_stays_readable_anywhere,
    a_reader_finds_every_place_and_so_do_its_clones,
    a_missing_object_is_not_found_and_deletes_in_peace,
    a_list_shows_what_lies_below_in_order,
    pages_hold_every_object_once_in_the_order_of_their_names,
    what_lies_below_a_name_is_deleted_and_its_neighbours_are_not,
    a_name_cannot_leave_its_place,
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

async fn a_stream_becomes_an_object_with_its_size_and_hash(shelf: Shelf) {
    let objects = &shelf.objects;
    let written = objects.put_stream("a/b", chunks(&["a", "", "bc"]), 3).await.unwrap();
    assert_eq!((written.bytes, written.sha256.as_str()), (3, ABC_SHA256));
    assert_eq!(bytes_of(objects, "a/b").await.unwrap(), b"abc");
}

async fn a_stream_of_many_parts_keeps_their_order(shelf: Shelf) {
    let objects = &shelf.objects;
    let bytes: Vec<u8> =
        (0..13_000_000_u32).map(|number| number.to_le_bytes()[number as usize % 3]).collect();
    let pieces: Vec<_> =
        bytes.chunks(70_001).map(|piece| Ok::<_, IoError>(Bytes::copy_from_slice(piece))).collect();
    let streamed = objects.put_stream("big", stream::iter(pieces), u64::MAX).await.unwrap();
    assert_eq!(streamed.bytes, 13_000_000);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, &bytes).unwrap();
    assert_eq!(objects.put_file("same", &file).await.unwrap(), streamed);
    assert!(bytes_of(objects, "big").await.unwrap() == bytes);
}

async fn a_reader_finds_every_place_and_so_do_its_clones(shelf: Shelf) {
    const BYTES: usize = 20_000_001;
    let objects = &shelf.objects;
    let bytes: Vec<u8> = (0..BYTES).map(|number| number.to_le_bytes()[number % 3]).collect();
    objects
        .put_stream("big", stream::iter([Ok::<_, IoError>(bytes.clone().into())]), u64::MAX)
        .await
        .unwrap();
    objects.put_stream("small", chunks(&["abc"]), 3).await.unwrap();
    objects.put_stream("empty", chunks(&[]), 0).await.unwrap();
    let (mut big, mut small) = (objects.reader("big").await.unwrap(), objects.reader("small").await.unwrap());
    let mut empty = objects.reader("empty").await.unwrap();
    let read = tokio::task::spawn_blocking(move || {
        let mut other = big.clone();
        // Around the ends of parts, back and forth.
        for place in (0..38).flat_map(|part| [part * 524_288, (37 - part) * 524_288 + 524_280, BYTES - 9]) {
            let mut some = [0; 16];
            let count = BYTES.saturating_sub(place).min(16);
            assert_eq!(big.seek(SeekFrom::Start(place as u64)).unwrap(), place as u64);
            big.read_exact(&mut some[..count]).unwrap();
            assert_eq!(some[..count], bytes[place.min(BYTES)..][..count], "{place}");
        }
        let mut all = Vec::new();
        other.read_to_end(&mut all).unwrap();
        assert!(all == bytes);
        assert_eq!(other.seek(SeekFrom::End(-2)).unwrap(), BYTES as u64 - 2);
        assert_eq!(other.seek(SeekFrom::Current(-1)).unwrap(), BYTES as u64 - 3);
        other.seek(SeekFrom::Current(i64::MIN)).unwrap_err();
        assert_eq!(other.seek(SeekFrom::End(5)).unwrap(), BYTES as u64 + 5);
        assert_eq!(other.read(&mut [0; 3]).unwrap(), 0);
        let mut text = String::new();
        small.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), empty.read(&mut [0; 3]).unwrap()), ("abc", 0));
        assert!(big.failure().is_none());
    });
    read.await.unwrap();
    assert!(matches!(objects.reader("missing").await, Err(ObjectError::NotFound { .. })));
}

async fn an_empty_stream_is_an_empty_object(shelf: Shelf) {
    let objects = &shelf.objects;
    assert_eq!(objects.put_stream("empty", chunks(&[]), 0).await.unwrap().bytes, 0);
    assert_eq!(bytes_of(objects, "empty").await.unwrap(), b"");
}

async fn what_is_too_large_or_breaks_off_leaves_nothing(shelf: Shelf) {
    let objects = &shelf.objects;
    let refused = objects.put_stream("a", chunks(&["ab", "cd"]), 3).await;
    assert!(matches!(refused, Err(ObjectError::TooLarge { bytes_max: 3 })));
    let broken = stream::iter([Ok(Bytes::from_static(b"ab")), Err(IoError::other("client went away"))]);
    let refused = objects.put_stream("b", broken, 9).await;
    assert!(matches!(refused, Err(ObjectError::Interrupted { .. })));
    let refused = objects.put_file("c", "missing".as_ref()).await;
    assert!(matches!(refused, Err(ObjectError::Interrupted { .. })));
    let broken = stream::iter([Ok(Bytes::from_static(MANY)), Err(IoError::other("client went away"))]);
    let refused = objects.put_stream("d", broken, u64::MAX).await;
    assert!(matches!(refused, Err(ObjectError::Interrupted { .. })));
    assert_eq!(objects.list("").await.unwrap(), []);
    assert_eq!(shelf.unfinished().await, 0);
}

async fn an_object_appears_only_when_it_is_whole(shelf: Shelf) {
    let objects = &shelf.objects;
    let (sender, receiver) = pipe();
    let writing = tokio::spawn({
        let objects = objects.clone();
        async move { objects.put_stream("late", receiver, u64::MAX).await }
    });
    sender.send(Ok(Bytes::from_static(MANY))).unwrap();
    shelf.until_unfinished(1).await;
    assert!(matches!(objects.open("late").await, Err(ObjectError::NotFound { .. })));
    assert!(!objects.is_there("late").await.unwrap());
    assert!(objects.list("").await.unwrap().is_empty());
    sender.send(Ok(Bytes::from_static(b"y"))).unwrap();
    drop(sender);
    assert_eq!(writing.await.unwrap().unwrap().bytes, MANY.len() as u64 + 1);
    assert!(objects.is_there("late").await.unwrap());
    assert!(bytes_of(objects, "late").await.unwrap() == [MANY, b"y"].concat());
    assert_eq!(shelf.unfinished().await, 0);
}

async fn a_writer_that_goes_away_leaves_nothing(shelf: Shelf) {
    let (sender, receiver) = pipe();
    let writing = tokio::spawn({
        let objects = shelf.objects.clone();
        async move { objects.put_stream("gone", receiver, u64::MAX).await }
    });
    sender.send(Ok(Bytes::from_static(MANY))).unwrap();
    shelf.until_unfinished(1).await;
    writing.abort();
    assert!(writing.await.unwrap_err().is_cancelled());
    shelf.until_unfinished(0).await;
    assert_eq!(shelf.objects.list("").await.unwrap(), []);
}

async fn of_several_that_write_where_nothing_is_one_does(shelf: Shelf) {
    let writing = (0..6_u8).map(|number| {
        let objects = shelf.objects.clone();
        tokio::spawn(async move { objects.put_if_absent("mark", vec![number].into()).await.unwrap() })
    });
    let mut first = Vec::new();
    for (number, writing) in writing.collect::<Vec<_>>().into_iter().enumerate() {
        if writing.await.unwrap() {
            first.push(u8::try_from(number).unwrap());
        }
    }
    assert_eq!(first.len(), 1);
    assert!(!shelf.objects.put_if_absent("mark", Bytes::from_static(b"late")).await.unwrap());
    assert_eq!(bytes_of(&shelf.objects, "mark").await.unwrap(), first);
}

async fn what_is_open_stays_readable_anywhere(shelf: Shelf) {
    shelf.objects.put_stream("x", chunks(&["abc", "def"]), 9).await.unwrap();
    let mut file = shelf.objects.open("x").await.unwrap();
    shelf.objects.delete("x").await.unwrap();
    let mut read = |from| {
        let mut text = String::new();
        file.seek(SeekFrom::Start(from)).unwrap();
        file.read_to_string(&mut text).unwrap();
        text
    };
    assert_eq!([read(4), read(0)], ["ef", "abcdef"]);
}

async fn a_missing_object_is_not_found_and_deletes_in_peace(shelf: Shelf) {
    let objects = &shelf.objects;
    assert!(matches!(objects.open("x").await, Err(ObjectError::NotFound { name }) if name == "x"));
    objects.delete("x").await.unwrap();
    objects.put_stream("x", chunks(&["abc"]), 9).await.unwrap();
    objects.delete("x").await.unwrap();
    objects.delete("x").await.unwrap();
    assert!(matches!(objects.open("x").await, Err(ObjectError::NotFound { .. })));
}

async fn a_list_shows_what_lies_below_in_order(shelf: Shelf) {
    let objects = &shelf.objects;
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
    let now = recon_store::Clock::system().now().micros();
    assert!((now - 600_000_000..=now + 600_000_000).contains(&first.modified.micros()), "{first:?}");
}

async fn pages_hold_every_object_once_in_the_order_of_their_names(shelf: Shelf) {
    let objects = &shelf.objects;
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

async fn what_lies_below_a_name_is_deleted_and_its_neighbours_are_not(shelf: Shelf) {
    let objects = &shelf.objects;
    for name in ["u/2/b", "u/2/a", "u/22/d"] {
        objects.put_stream(name, chunks(&["x"]), 9).await.unwrap();
    }
    assert_eq!(objects.delete_below("u/2/").await.unwrap(), 2);
    assert_eq!(objects.delete_below("u/2/").await.unwrap(), 0);
    assert_eq!(names(&objects.list("u").await.unwrap()), ["u/22/d"]);
    if let Place::Folder(folder) = &shelf.place {
        assert!(!folder.path().join("objects/u/2").exists(), "no empty folder is left");
    }
}

async fn a_name_cannot_leave_its_place(shelf: Shelf) {
    let objects = &shelf.objects;
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
