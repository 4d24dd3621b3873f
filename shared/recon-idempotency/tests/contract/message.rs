//! Messages of queues that deliver more than once.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use recon_idempotency::message::{Delivery, Message, deliver};
use recon_idempotency::work::{Failed, WorkError};
use recon_idempotency::{ClaimStore, RETENTION_DEFAULT, Seed};
use rstest_reuse::apply;
use tokio::sync::Notify;

use crate::every_store;
use crate::sample::{LEASE, running};
use crate::world::{Kind, World};

const MESSAGE: Message<'_> = Message { queue: "orders", id: "059f36b4 \u{e9}", body: b"{}" };

async fn delivered(
    store: &Arc<dyn ClaimStore>,
    message: Message<'_>,
    outcome: Result<(), Failed<&'static str>>,
) -> Result<(Delivery, Option<Seed>), WorkError<&'static str>> {
    let (ran, seed) = tokio::sync::oneshot::channel();
    let work = async move |seed| {
        ran.send(seed).unwrap();
        outcome
    };
    let delivery = deliver(store.clone(), &message, LEASE, RETENTION_DEFAULT, work).await?;
    Ok((delivery, seed.await.ok()))
}

#[apply(every_store)]
async fn a_message_is_worked_off_once_however_often_it_comes(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let store = world.store.clone();
    let first = delivered(&store, MESSAGE, Ok(())).await.unwrap();
    assert!(matches!(first, (Delivery::Done, Some(_))));
    for _ in 0..2 {
        assert_eq!(delivered(&store, MESSAGE, Ok(())).await.unwrap(), (Delivery::Duplicate, None));
    }
    let changed = Message { body: b"[]", ..MESSAGE };
    assert_eq!(delivered(&store, changed, Ok(())).await.unwrap(), (Delivery::Mismatch, None));
    for other in [Message { queue: "bills", ..MESSAGE }, Message { id: "059f36b4", ..MESSAGE }] {
        assert!(matches!(delivered(&store, other, Ok(())).await, Ok((Delivery::Done, Some(_)))));
    }
}

#[apply(every_store)]
async fn a_delivery_beside_another_one_is_not_to_be_acknowledged(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let store = world.store.clone();
    let (begun, end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let work = {
        let (begun, end) = (begun.clone(), end.clone());
        async move |_| {
            begun.notify_one();
            end.notified().await;
            Ok::<(), Failed<Infallible>>(())
        }
    };
    let one = store.clone();
    let first =
        tokio::spawn(async move { deliver(one, &MESSAGE, LEASE, RETENTION_DEFAULT, work).await.unwrap() });
    begun.notified().await;
    let second = delivered(&store, MESSAGE, Ok(())).await.unwrap();
    assert_eq!(second, (Delivery::InFlight { retry_after: Duration::from_secs(5) }, None));
    end.notify_one();
    assert_eq!(first.await.unwrap(), Delivery::Done);
    assert_eq!(delivered(&store, MESSAGE, Ok(())).await.unwrap(), (Delivery::Duplicate, None));
}

#[apply(every_store)]
async fn a_message_whose_worker_failed_is_worked_off_by_its_next_delivery(#[case] kind: Kind) {
    let world = World::open(kind).await;
    let store = &world.store;
    let refused = delivered(store, MESSAGE, Err(Failed::NoEffect("not yet"))).await;
    assert!(matches!(refused, Err(WorkError::NoEffect("not yet"))));
    // Its outcome is unknown, as that of a worker that was killed: the next one has to repeat the same ids.
    let unknown = delivered(store, MESSAGE, Err(Failed::Unknown("no answer"))).await;
    assert!(matches!(unknown, Err(WorkError::Unknown("no answer"))));
    world.age(LEASE * 3).await;
    let taken = running(store.claim(&MESSAGE.request(RETENTION_DEFAULT), LEASE).await.unwrap());
    assert_eq!(taken.fence(), 2);
    world.age(LEASE * 3).await;
    let (delivery, seed) = delivered(store, MESSAGE, Ok(())).await.unwrap();
    assert_eq!((delivery, seed), (Delivery::Done, Some(taken.seed())));
}
