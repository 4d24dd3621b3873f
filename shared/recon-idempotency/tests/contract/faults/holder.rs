//! Who may change a record, and for which request.

use std::future::Future;

use recon_idempotency::{ClaimOutcome, Claimed, Completion, Extension, Held, Release, Request};
use rstest_reuse::apply;

use super::faulty::{self, Fault};
use super::{Found, red, same};
use crate::database::{Database, Dialect};
use crate::sample::{LEASE, OTHER, REQUEST, answer, guard, in_flight, running, unanswered};
use crate::world::{Kind, World};
use crate::{every_database, every_store};

/// The zombie and the winner of a key whose lease has ended.
async fn taken_over(world: &World) -> (recon_idempotency::Claim, recon_idempotency::Claim) {
    let zombie = running(world.claim(&REQUEST).await);
    world.age(LEASE).await;
    (zombie, running(world.claim(&REQUEST).await))
}

async fn fault_01(world: &World) -> Found {
    let (zombie, winner) = taken_over(world).await;
    let late = world.complete(&zombie, &answer("zombie")).await;
    same("a zombie completes", &late, &Completion::Lost(Some(in_flight(5))))?;
    same("a zombie releases", &world.release(&zombie).await, &Release::Lost)?;
    same("a zombie extends", &world.extend(&zombie, LEASE).await, &Extension::Lost)?;
    let completed = world.complete(&winner, &answer("winner")).await;
    let Completion::Stored { expires_at } = completed else {
        return Err(format!("the winner lost: {completed:?}"));
    };
    let replay = Held::Replay { response: answer("winner"), expires_at };
    let late = world.complete(&zombie, &answer("zombie")).await;
    same("a zombie overwrites", &late, &Completion::Lost(Some(replay)))
}

#[apply(every_store)]
async fn fault_01_a_zombie_overwrites_nothing(#[case] kind: Kind) {
    fault_01(&World::open(kind).await).await.unwrap();
}

#[tokio::test]
async fn fault_01_is_found_in_a_store_without_fence() {
    red(fault_01(&faulty::world(Fault::CompletesWithoutFence).await).await, "a zombie completes");
    red(fault_01(&faulty::world(Fault::ReleasesWithoutFence).await).await, "a zombie releases");
}

async fn fault_02(world: &World) -> Found {
    let claim = running(world.claim(&REQUEST).await);
    let completed = world.complete(&claim, &answer("done")).await;
    let Completion::Stored { expires_at } = completed else { return Err(format!("{completed:?}")) };
    same("a late failure releases", &world.release(&claim).await, &Release::Lost)?;
    same("a late heartbeat extends", &world.extend(&claim, LEASE).await, &Extension::Lost)?;
    let replay = Held::Replay { response: answer("done"), expires_at };
    same("the key is open", &world.look_up(&REQUEST).await, &Some(replay))
}

#[apply(every_store)]
async fn fault_02_a_late_failure_does_not_open_a_completed_key(#[case] kind: Kind) {
    fault_02(&World::open(kind).await).await.unwrap();
}

#[tokio::test]
async fn fault_02_is_found_in_a_store_that_looks_at_the_fence_only() {
    red(fault_02(&faulty::world(Fault::ReleasesWithoutState).await).await, "a late failure releases");
}

/// How a handler that holds a claim writes its effect.
#[derive(Clone, Copy)]
enum Handler {
    /// Effect and completion are one transaction, which a lost claim rolls back.
    CompletesWithTheEffect,
    /// It asks whether it still holds the claim, and writes then.
    ChecksBefore,
}

impl Handler {
    /// Ends its claim; `meanwhile` happens at its worst moment.
    async fn finish(
        self,
        db: &Database,
        claim: &recon_idempotency::Claim,
        meanwhile: impl Future<Output = ()>,
    ) {
        match self {
            Self::CompletesWithTheEffect => {
                meanwhile.await;
                _ = db.insert_and_complete(claim, &answer("done")).await;
            }
            Self::ChecksBefore => {
                let holds = matches!(db.store().extend(claim, LEASE).await, Ok(Extension::Extended { .. }));
                meanwhile.await;
                if holds {
                    db.insert().await;
                    _ = db.store().complete(claim, &answer("done")).await;
                }
            }
        }
    }
}

async fn fault_03(db: &Database, handler: Handler) -> Found {
    let store = db.store();
    let zombie = running(store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    let taken = async {
        db.age(LEASE).await;
        let winner = running(store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
        handler.finish(db, &winner, std::future::ready(())).await;
    };
    handler.finish(db, &zombie, taken).await;
    same("effects", &db.effects().await, &1)
}

#[apply(every_database)]
async fn fault_03_the_fence_is_checked_in_the_transaction_of_the_effect(#[case] dialect: Dialect) {
    fault_03(&Database::open(dialect).await, Handler::CompletesWithTheEffect).await.unwrap();
}

#[apply(every_database)]
async fn fault_03_is_found_in_a_handler_that_checks_before(#[case] dialect: Dialect) {
    red(fault_03(&Database::open(dialect).await, Handler::ChecksBefore).await, "effects: 2");
}

async fn fault_05(world: &World) -> Found {
    let claim = running(world.claim(&REQUEST).await);
    let completed = world.complete(&claim, &answer("done")).await;
    let Completion::Stored { expires_at } = completed else { return Err(format!("{completed:?}")) };
    let replay = Held::Replay { response: answer("done"), expires_at };
    same("an honest retry", &world.look_up(&REQUEST).await, &Some(replay))?;
    same("another request", &world.look_up(&OTHER).await, &Some(Held::Mismatch))
}

#[apply(every_store)]
async fn fault_05_completion_keeps_the_fingerprint(#[case] kind: Kind) {
    fault_05(&World::open(kind).await).await.unwrap();
}

#[tokio::test]
async fn fault_05_is_found_in_a_store_that_drops_the_fingerprint() {
    red(fault_05(&faulty::world(Fault::DropsTheFingerprint).await).await, "an honest retry");
}

async fn fault_06(world: &World) -> Found {
    // One key means one request: another route is another request.
    let route = Request { path: "/v1/others", ..REQUEST };
    let mismatches = async |what: &str| {
        for request in [&OTHER, &route] {
            match world.claim(request).await {
                Claimed::Held(Held::Mismatch) => {}
                claimed => return Err(format!("{what}: {claimed:?}")),
            }
            same(what, &world.look_up(request).await, &Some(Held::Mismatch))?;
        }
        Ok(())
    };
    let claim = running(world.claim(&REQUEST).await);
    mismatches("while it runs").await?;
    world.age(LEASE).await;
    mismatches("when its lease has ended").await?;
    let completed = world.complete(&claim, &answer("done")).await;
    if !matches!(completed, Completion::Stored { .. }) {
        return Err(format!("{completed:?}"));
    }
    mismatches("when it is completed").await
}

#[apply(every_store)]
async fn fault_06_the_fingerprint_is_compared_on_every_path(#[case] kind: Kind) {
    fault_06(&World::open(kind).await).await.unwrap();
}

#[apply(every_database)]
async fn fault_06_the_fingerprint_is_compared_on_every_path_of_a_local_effect(#[case] dialect: Dialect) {
    let db = Database::open(dialect).await;
    let store = db.store();
    let claim = running(store.claim(&unanswered(&REQUEST), LEASE).await.unwrap());
    assert_eq!(db.run(&guard(&OTHER)).await.unwrap(), ClaimOutcome::Mismatch);
    db.age(LEASE).await;
    assert_eq!(db.run(&guard(&OTHER)).await.unwrap(), ClaimOutcome::Mismatch);
    assert!(matches!(store.complete(&claim, &answer("done")).await, Ok(Completion::Stored { .. })));
    assert_eq!(db.run(&guard(&OTHER)).await.unwrap(), ClaimOutcome::Mismatch);
    assert_eq!(db.effects().await, 0);
}

#[tokio::test]
async fn fault_06_is_found_in_a_store_that_compares_on_one_path_only() {
    red(fault_06(&faulty::world(Fault::ComparesNotIn("in_progress")).await).await, "while it runs");
    red(fault_06(&faulty::world(Fault::ComparesNotIn("completed")).await).await, "when it is completed");
}
