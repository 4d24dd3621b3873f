use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;

use super::super::folder::Folder;
use super::super::{Objects, Place};
use super::*;

const MIB: u64 = 1024 * 1024;

fn is_busy<T>(refused: &Result<T, ObjectError>) -> bool {
    matches!(refused, Err(ObjectError::Unavailable { trouble: Trouble::Busy, .. }))
}

#[tokio::test]
async fn an_object_that_is_written_while_there_is_no_room_waits_and_is_refused() {
    let kept = tempfile::tempdir().unwrap();
    let place = Place::Folder(Arc::new(Folder::at(kept.path().to_owned())));
    let objects = Objects { place, room: Some(Room::for_tests(1, 1)) };
    let put = async |name| {
        let bytes = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"abc"))]);
        objects.put_stream(name, bytes, 9).await
    };
    objects.list("").await.unwrap();
    // One whose client says nothing.
    let mut slow = Box::pin(objects.put_stream("slow", stream::pending::<std::io::Result<Bytes>>(), 9));
    assert!(futures_util::poll!(&mut slow).is_pending());
    let refused = put("a").await;
    assert!(is_busy(&refused));
    assert_eq!(objects.list("").await.unwrap(), []);
    // Jobs do not wait for clients.
    let bytes = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"abc"))]);
    objects.clone().for_jobs().put_stream("of-a-job", bytes, 9).await.unwrap();
    // It is free again when that one goes away, and waited for until then.
    let (written, ()) = tokio::join!(put("a"), async {
        tokio::task::yield_now().await;
        drop(slow);
    });
    written.unwrap();
    put("b").await.unwrap();
}

#[cfg(feature = "cluster")]
#[tokio::test]
async fn copies_share_their_room_and_one_that_is_larger_than_it_takes_all() {
    let room = Room::for_tests(1, 8);
    let some = room.to_copy(7 * MIB - 1, Stay::Short, "a").await.unwrap();
    let rest = room.to_copy(1, Stay::Short, "b").await.unwrap();
    assert!(is_busy(&room.to_copy(1, Stay::Short, "c").await));
    drop(room.to_copy(0, Stay::Short, "empty").await.unwrap());
    drop(rest);
    assert!(is_busy(&room.to_copy(99 * MIB, Stay::Short, "larger").await));
    drop(some);
    let all = room.to_copy(99 * MIB, Stay::Short, "larger").await.unwrap();
    assert!(is_busy(&room.to_copy(1, Stay::Short, "c").await));
    drop(all);
    drop(room.to_copy(1, Stay::Short, "c").await.unwrap());
    // Those that stay for long leave half of it.
    let long = room.to_copy(99 * MIB, Stay::Long, "long").await.unwrap();
    assert!(is_busy(&room.to_copy(1, Stay::Long, "longer").await));
    drop(room.to_copy(4 * MIB, Stay::Short, "a").await.unwrap());
    drop(long);
    drop(room.to_copy(1, Stay::Long, "b").await.unwrap());
}
