//! What only buckets have: signed addresses, and a store that is another server.

use std::time::Duration;

use recon_domain::DatasetId;
use recon_store::{
    Error, IngestResult, JobKind, ObjectEntry, ObjectError, ObjectUrl, Objects, PublicUrl, Store,
    StoreConfig, Tie, Trouble, Upload,
};
use recon_testkit::{Call, Reply, S3, Way, World};

use crate::bench::{self, Bench};
use crate::objects::{in_bucket, s3};

/// Longer than any object method waits for a store that says nothing.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A bucket of its own, as `OBJECT_URL` says it.
async fn bucket() -> String {
    s3(|s3| s3.url(&s3.bucket().unwrap())).await
}

fn objects(url: &str) -> Objects {
    Store::open(&in_bucket(url)).objects()
}

/// The bench's database, with its objects in this bucket.
fn with_bucket(bench: &Bench, url: &str) -> Store {
    bench.store_of(&StoreConfig { database: bench.config.database.clone(), ..in_bucket(url) })
}

/// Sends a request to a signed address.
async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let (origin, path) = url.split_at(url.find("/bucket-").unwrap());
    let call = headers.iter().fold(Call::new(method, path), |call, (name, value)| call.header(name, value));
    World::at(origin).call(&call.bytes(body.to_vec())).await.unwrap()
}

/// Sends bytes to a new signed address of a dataset, and returns it.
async fn upload(objects: &Objects, dataset: DatasetId, bench: &Bench, bytes: &[u8]) -> String {
    let signed = objects.sign_upload(dataset, bench.now()).await.unwrap().unwrap();
    let headers: Vec<_> =
        signed.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(send("PUT", &signed.url, &headers, bytes).await.status, 200);
    signed.url
}

fn trouble<T: std::fmt::Debug>(refused: Result<T, ObjectError>) -> Trouble {
    match refused {
        Err(ObjectError::Unavailable { trouble, .. }) => trouble,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_address_takes_one_upload_and_refuses_the_next() {
    let (bench, objects) = (bench::sqlite().await, objects(&bucket().await));
    let dataset = DatasetId::from_uuid(bench.next_uuid());
    let url = upload(&objects, dataset, &bench, b"first").await;
    assert_eq!(send("PUT", &url, &[("if-none-match", "*")], b"late").await.status, 412);
    let arrived = objects.arrived(dataset, None).await.unwrap();
    assert_eq!(arrived.len(), 1);
    assert_eq!(
        objects
            .open_pinned(&arrived[0].name, arrived[0].etag.as_deref())
            .await
            .unwrap()
            .metadata()
            .unwrap()
            .len(),
        5
    );

    bench.pass(Duration::from_millis(1));
    let second = upload(&objects, dataset, &bench, b"second").await;
    assert_ne!(url, second);
    let last = objects.arrived(dataset, Some("uploads/other")).await.unwrap().pop().unwrap();
    assert_eq!(last.bytes, 6, "the one that was given out last");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_replace_pinned_ones_are_not_read() {
    let objects = objects(&bucket().await);
    let bytes = |text: &'static [u8]| futures_util::stream::iter([Ok::<_, std::io::Error>(text.into())]);
    objects.put_stream("a", bytes(b"pinned"), 9).await.unwrap();
    let etag = objects.list("").await.unwrap().remove(0).etag;
    objects.put_stream("a", bytes(b"late"), 9).await.unwrap();
    let refused = objects.open_pinned("a", etag.as_deref()).await;
    assert!(matches!(refused, Err(ObjectError::Changed { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_download_is_a_file_with_its_name() {
    let (bench, objects) = (bench::sqlite().await, objects(&bucket().await));
    let bytes = futures_util::stream::iter([Ok::<_, std::io::Error>("a;b".into())]);
    objects.put_stream("results/a b.csv", bytes, 9).await.unwrap();
    let address = objects.sign_download("results/a b.csv", "matches.csv", "text/csv", bench.now()).await;
    let reply = send("GET", &address.unwrap().unwrap(), &[], b"").await;
    assert_eq!((reply.status, reply.body.as_slice()), (200, b"a;b".as_slice()));
    assert_eq!(reply.header("content-disposition"), Some("attachment; filename=\"matches.csv\""));
    assert_eq!(reply.header("content-type"), Some("text/csv"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_are_sent_to_the_public_address() {
    let (bench, url) = (bench::sqlite().await, bucket().await);
    let mut object_access = in_bucket(&url).object_access;
    object_access.public_url = Some(PublicUrl::parse("https://files.example.com/objects").unwrap());
    let objects = ObjectUrl::parse(&url, &object_access).unwrap();
    let objects = Store::open(&StoreConfig { objects, object_access, ..in_bucket(&url) }).objects();
    let address = objects.sign_download("a", "a.csv", "text/csv", bench.now()).await.unwrap().unwrap();
    assert!(address.starts_with("https://files.example.com/objects/bucket-"), "{address}");
    assert!(!address.contains("not-a-secret"), "{address}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_bucket_is_said_and_mended_by_making_it() {
    let url = s3(|s3| s3.url("never-made")).await;
    let objects = objects(&url);
    let bytes = || futures_util::stream::iter([Ok::<_, std::io::Error>("abc".into())]);
    assert_eq!(trouble(objects.check().await), Trouble::NoBucket);
    assert_eq!(trouble(objects.put_stream("a", bytes(), 9).await), Trouble::NoBucket);
    assert_eq!(trouble(objects.open("a").await), Trouble::NoBucket);
    assert_eq!(trouble(objects.list("").await), Trouble::NoBucket);
    assert_eq!(trouble(objects.page("", "", 1).await), Trouble::NoBucket);
    assert_eq!(trouble(objects.delete("a").await), Trouble::NoBucket);
    assert_eq!(trouble(objects.delete_below("a").await), Trouble::NoBucket);
    assert_eq!(trouble(objects.is_there("a").await), Trouble::NoBucket);
    s3(|s3| s3.make_bucket("never-made").unwrap()).await;
    objects.check().await.unwrap();
    objects.put_stream("a", bytes(), 9).await.unwrap();
    assert_eq!(objects.list("").await.unwrap().len(), 1, "looking leaves nothing");
    assert_eq!(s3(|s3| s3.unfinished("never-made").unwrap()).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_are_refused_are_said() {
    let private = tokio::task::spawn_blocking(|| S3::start().unwrap()).await.unwrap();
    let name = private.bucket().unwrap();
    let objects = objects(&private.url(&name));
    objects.check().await.unwrap();
    private.refuse_credentials(true).unwrap();
    let refused = objects.check().await.unwrap_err();
    let cause = std::error::Error::source(&refused).unwrap().to_string();
    assert!(cause.starts_with("InvalidAccessKeyId: "), "{cause}");
    assert_eq!(trouble::<()>(Err(refused)), Trouble::Denied);
    assert_eq!(trouble(objects.open("a").await), Trouble::Denied);
    assert_eq!(trouble(objects.list("").await), Trouble::Denied);
    private.refuse_credentials(false).unwrap();
    objects.check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_or_silent_is_given_up_in_time_and_used_again() {
    let way = s3(|s3| Way::to(s3.port()).unwrap()).await;
    let name = s3(|s3| s3.bucket().unwrap()).await;
    let objects = objects(&format!("s3://{name}?endpoint=http://127.0.0.1:{}", way.port()));
    let bytes = || futures_util::stream::iter([Ok::<_, std::io::Error>("abc".into())]);
    objects.put_stream("a", bytes(), 9).await.unwrap();
    way.close();
    assert_eq!(trouble(objects.check().await), Trouble::Silent);
    assert_eq!(trouble(objects.open("a").await), Trouble::Silent);
    way.silence();
    let (checked, opened, written) = tokio::time::timeout(SILENCE_MAX, async {
        tokio::join!(objects.check(), objects.open("a"), objects.put_stream("b", bytes(), 9))
    })
    .await
    .expect("they give up");
    assert_eq!(
        [trouble(checked), trouble(opened), trouble(written)],
        [Trouble::Silent, Trouble::Silent, Trouble::Silent]
    );
    way.open();
    objects.check().await.unwrap();
    objects.put_stream("b", bytes(), 9).await.unwrap();
    objects.open("a").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_belongs_to_one_database() {
    let (bench, other, url) = (bench::sqlite().await, bench::sqlite().await, bucket().await);
    let (ours, theirs) = (with_bucket(&bench, &url), with_bucket(&other, &url));
    for bench in [&bench, &other] {
        bench.untie().await;
    }
    ours.migrate().await.unwrap();
    theirs.migrate().await.unwrap();
    assert_eq!(
        [ours.objects_tie().await.unwrap(), theirs.objects_tie().await.unwrap()],
        [Tie::Ours, Tie::Loose]
    );
    theirs.adopt_objects().await.unwrap();
    assert_eq!(
        [ours.objects_tie().await.unwrap(), theirs.objects_tie().await.unwrap()],
        [Tie::Foreign, Tie::Ours]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sweep_of_a_bucket_leaves_what_is_awaited_and_takes_what_is_nobodys() {
    let (bench, url) = (bench::sqlite().await, bucket().await);
    let store = with_bucket(&bench, &url);
    bench.untie().await;
    store.migrate().await.unwrap();
    let objects = store.objects();
    let awaited = bench.dataset(bench.workspace).await;
    upload(&objects, awaited, &bench, b"awaited").await;
    upload(&objects, DatasetId::from_uuid(bench.next_uuid()), &bench, b"nobody's").await;
    for number in 0..5 {
        let bytes = futures_util::stream::iter([Ok::<_, std::io::Error>("x".into())]);
        objects
            .put_stream(&format!("datasets/{}/{number}.parquet", bench.next_uuid()), bytes, 9)
            .await
            .unwrap();
    }
    // The bucket dates by its own clock, which is the host's.
    bench.pass(Duration::from_hours(24 * 366 * 100));
    let mut swept = 0;
    for _ in 0..6 {
        swept += store.sweep().orphaned_objects(2).await.unwrap().count;
    }
    assert_eq!(swept, 6);
    let left: Vec<ObjectEntry> = objects.list("uploads").await.unwrap();
    assert_eq!(left.len(), 1);
    assert!(left[0].name.starts_with(&format!("uploads/{awaited}/signed-")), "{left:?}");
    assert_eq!(objects.list("datasets").await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_that_nobody_hashed_is_pinned_by_its_tag_and_hashed_by_its_reader() {
    let bench = bench::sqlite().await;
    let id = bench.dataset(bench.workspace).await;
    let upload = Upload { object: "o".into(), sha256: None, bytes: 3, etag: Some("\"tag\"".into()) };
    bench.store.datasets().attach_upload(bench.workspace, id, upload.clone()).await.unwrap();
    assert_eq!(bench.find_dataset(id).await.upload, Some(upload));
    let guard = bench::dataset_guard(bench.workspace, "complete", "/complete");
    let expected = Some("AB".repeat(32));
    let completed = bench.store.datasets().complete(bench.workspace, id, guard, expected).await;
    bench::fresh(completed.unwrap().unwrap());
    assert_eq!(bench.find_dataset(id).await.expected_sha256, Some("ab".repeat(32)));
    let lease = bench.lease(JobKind::Ingest).await;
    bench.store.datasets().hashed(&lease, "cd".repeat(32)).await.unwrap();
    assert_eq!(bench.find_dataset(id).await.upload.unwrap().sha256, Some("cd".repeat(32)));
    let why = recon_store::Failure { code: "x".into(), detail: "y".into() };
    bench.store.datasets().finish_ingest(&lease, IngestResult::Rejected(why)).await.unwrap();
    let late = bench.store.datasets().hashed(&lease, "ef".repeat(32)).await;
    assert!(matches!(late, Err(Error::LeaseLost { .. })), "{late:?}");
}
