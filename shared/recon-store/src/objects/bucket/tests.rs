use std::io::{Read as _, Seek as _, SeekFrom};

use recon_testkit::{S3, Way};

use super::*;
use crate::config::ObjectUrl;
use crate::objects::ObjectReader;

#[test]
fn what_the_store_said_is_told_without_its_document() {
    let words = "status code: 403: <Error><Code>InvalidAccessKeyId</Code><Message>The key is unknown.</Message>\
                 <AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
    let error = object_store::Error::PermissionDenied { path: "p".into(), source: words.to_owned().into() };
    let told = failed("check", "")(error);
    assert_eq!(
        told.to_string(),
        "object store unavailable: check : it refuses the credentials of this service"
    );
    let cause = std::error::Error::source(&told).unwrap().to_string();
    assert_eq!(cause, "InvalidAccessKeyId: The key is unknown.");
}

/// A new bucket of the tests' S3, and the way there.
async fn bucket() -> (Bucket, Way) {
    let made = tokio::task::spawn_blocking(|| {
        let s3 = S3::shared().unwrap();
        (s3.bucket().unwrap(), Way::to(s3.port()).unwrap())
    });
    let (name, way) = made.await.unwrap();
    let known = |name: &str| {
        S3::CREDENTIALS.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    let access = ObjectAccess::new(None, known);
    let url = format!("s3://{name}/recon?endpoint=http://127.0.0.1:{}", way.port());
    match ObjectUrl::parse(&url, &access).unwrap() {
        ObjectUrl::S3(url) => (Bucket::at(url, access), way),
        ObjectUrl::Folder(folder) => panic!("{}", folder.display()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_waits_for_room_and_is_refused_where_there_is_none() {
    let (bucket, _way) = bucket().await;
    let room = Room::for_tests(1, 3);
    let store = bucket.store("put", "a").await.unwrap();
    store.put(&Name::from("a"), vec![b'x'; 1024 * 1024 + 1].into()).await.unwrap();
    let copy = bucket.open("a", None, (Some(room), Stay::Short)).await.unwrap();
    assert_eq!(copy.file.metadata().unwrap().len(), 1024 * 1024 + 1);
    // It has its room for as long as it is open.
    let refused = bucket.open("a", None, (Some(room), Stay::Short)).await;
    assert!(matches!(refused, Err(ObjectError::Unavailable { trouble: Trouble::Busy, .. })), "{refused:?}");
    drop(bucket.open("a", None, (None, Stay::Short)).await.unwrap());
    drop(copy);
    drop(bucket.open("a", None, (Some(room), Stay::Short)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_read_each_time_and_write_now_and_then() {
    let (bucket, way) = bucket().await;
    let writes = || way.heard().matches("/recon/probe?uploads").count();
    let reads = || way.heard().matches("list-type=2").count();
    for _ in 0..3 {
        bucket.check().await.unwrap();
    }
    assert_eq!((reads(), writes()), (3, 1));
    // A look that fails is not believed any more, whatever it failed at.
    way.close();
    bucket.check().await.unwrap_err();
    way.open();
    let before = writes();
    bucket.check().await.unwrap();
    bucket.check().await.unwrap();
    assert_eq!(writes(), before + 1);
    // So is one that is long ago.
    *bucket.written() = Instant::now().checked_sub(WRITABLE_TIME_MAX);
    bucket.check().await.unwrap();
    bucket.check().await.unwrap();
    assert_eq!(writes(), before + 2);
}

const MIB: u64 = 1024 * 1024;

/// An object of 20 MiB, opened here and there.
async fn opened(bucket: &Bucket) -> ObjectReader {
    put(bucket, b'x', 20 * MIB).await;
    bucket.reader("a", None).await.unwrap()
}

async fn put(bucket: &Bucket, byte: u8, bytes: u64) {
    let store = bucket.store("put", "a").await.unwrap();
    store.put(&Name::from("a"), vec![byte; usize::try_from(bytes).unwrap()].into()).await.unwrap();
}

async fn read(mut reader: ObjectReader, place: u64, bytes: usize) -> std::io::Result<()> {
    let read = tokio::task::spawn_blocking(move || {
        reader.seek(SeekFrom::Start(place))?;
        reader.read_exact(&mut vec![0; bytes])
    });
    read.await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_read_is_got_and_that_once() {
    let (bucket, way) = bucket().await;
    let reader = opened(&bucket).await;
    // The end is there already.
    for (place, bytes) in [(20 * MIB - 8, 8), (5, 10), (100, 10), (0, 10), (MIB - 5, 10)] {
        read(reader.clone(), place, bytes).await.unwrap();
    }
    // Who wants more gets more at once, and so does who reads on.
    read(reader.clone(), 4 * MIB, 1_000_000).await.unwrap();
    for place in 8..12 {
        read(reader.clone(), place * MIB, 10).await.unwrap();
        read(reader.clone(), place * MIB + MIB / 2, 10).await.unwrap();
    }
    let heard = way.heard();
    let ranges = heard.lines().filter_map(|line| line.strip_prefix("range: bytes=")).map(str::trim);
    let here_and_there = ["20447232-20971519", "0-524287", "524288-1572863"];
    let more = ["4194304-5242879"];
    let one_after_the_other = ["8388608-8912895", "8912896-9961471", "9961472-12058623", "12058624-16252927"];
    assert!(ranges.eq(here_and_there.into_iter().chain(more).chain(one_after_the_other)), "{heard}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_fails_at_while_an_object_is_read_is_told() {
    let (bucket, way) = bucket().await;
    let reader = opened(&bucket).await;
    way.close();
    read(reader.clone(), 0, 1).await.unwrap_err();
    way.open();
    let cut_off = reader.failure();
    assert!(matches!(cut_off, Some(ObjectError::Unavailable { .. })), "{cut_off:?}");
    assert!(reader.failure().is_none(), "once");

    put(&bucket, b'y', 20 * MIB).await;
    read(reader.clone(), 0, 1).await.unwrap_err();
    assert!(matches!(reader.failure(), Some(ObjectError::Changed { .. })));

    bucket.store("delete", "a").await.unwrap().delete(&Name::from("a")).await.unwrap();
    read(reader.clone(), 0, 1).await.unwrap_err();
    assert!(matches!(reader.failure(), Some(ObjectError::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_here_and_there_waits_for_room() {
    let (bucket, _way) = bucket().await;
    drop(opened(&bucket).await);
    let room = Some(Room::for_tests(1, 1));
    let reader = bucket.reader("a", room).await.unwrap();
    let refused = bucket.reader("a", room).await;
    assert!(matches!(refused, Err(ObjectError::Unavailable { trouble: Trouble::Busy, .. })), "{refused:?}");
    drop(reader);
    let reader = bucket.reader("a", room).await.unwrap();
    reader.give_up();
    read(reader, 0, 1).await.unwrap_err();
    // A small one takes the room of a copy.
    put(&bucket, b'x', MIB).await;
    let reader = bucket.reader("a", room).await.unwrap();
    bucket.reader("a", room).await.unwrap_err();
    read(reader, 0, 1).await.unwrap();
    drop(bucket.reader("a", room).await.unwrap());
}
