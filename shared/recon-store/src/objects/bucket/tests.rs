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

/// An object of 4 MiB, opened here and there.
async fn opened(bucket: &Bucket) -> ObjectReader {
    let store = bucket.store("put", "a").await.unwrap();
    store.put(&Name::from("a"), vec![b'x'; 4 * 1024 * 1024].into()).await.unwrap();
    ObjectReader::of_parts(bucket.parts("a", None).await.unwrap())
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
    for (place, bytes) in [(4 * MIB - 8, 8), (5, 10), (100, 10), (0, 10), (MIB - 5, 10)] {
        read(reader.clone(), place, bytes).await.unwrap();
    }
    // Who reads on gets more at once.
    read(reader.clone(), 2 * MIB, 1_000_000).await.unwrap();
    let heard = way.heard();
    let ranges = heard.lines().filter_map(|line| line.strip_prefix("range: bytes=")).map(str::trim);
    let one_after_the_other = ["2097152-2228223", "2228224-2490367", "2490368-3014655", "3014656-4063231"];
    let expected = ["-524288", "0-131071", "917504-1048575", "1048576-1310719"];
    assert!(ranges.eq(expected.into_iter().chain(one_after_the_other)), "{heard}");
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

    let store = bucket.store("put", "a").await.unwrap();
    store.put(&Name::from("a"), vec![b'y'; 4 * 1024 * 1024].into()).await.unwrap();
    read(reader.clone(), 0, 1).await.unwrap_err();
    assert!(matches!(reader.failure(), Some(ObjectError::Changed { .. })));

    store.delete(&Name::from("a")).await.unwrap();
    read(reader.clone(), 0, 1).await.unwrap_err();
    assert!(matches!(reader.failure(), Some(ObjectError::NotFound { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_here_and_there_waits_for_room() {
    let (bucket, _way) = bucket().await;
    drop(opened(&bucket).await);
    let room = Room::for_tests(1, 1);
    let reader = bucket.parts("a", Some(room)).await.unwrap();
    let refused = bucket.parts("a", Some(room)).await;
    assert!(matches!(refused, Err(ObjectError::Unavailable { trouble: Trouble::Busy, .. })), "{refused:?}");
    drop(reader);
    drop(bucket.parts("a", Some(room)).await.unwrap());
}
