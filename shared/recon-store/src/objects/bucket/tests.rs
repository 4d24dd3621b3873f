use recon_testkit::{S3, Way};

use super::*;
use crate::config::ObjectUrl;

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
