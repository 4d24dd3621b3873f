//! The tests, on any store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use recon_domain::{Instant, SessionId, UserId, UserRole, WorkspaceId};
use recon_session::{
    ATTRIBUTES_BYTES_MAX, Attributes, Error, NewSession, Opened, Patch, Revocation, Rotation, SessionRecord,
    SessionSeek, SessionToken, Sessions, Tag, Touch,
};
use serde_json::Value;
use uuid::Uuid;

/// The default clocks, in minutes.
const IDLE: i64 = 30;
const ABSOLUTE: i64 = 12 * 60;

/// A point in time, in minutes after the first.
fn at(minutes: i64) -> Instant {
    Instant::from_micros(1_700_000_000_000_000 + minutes * 60_000_000)
}

fn just_before(instant: Instant) -> Instant {
    Instant::from_micros(instant.micros() - 1)
}

pub(crate) fn new(tag: Tag) -> NewSession {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NewSession {
        id: SessionId::from_uuid(Uuid::from_u128(NEXT.fetch_add(1, Ordering::Relaxed).into())),
        tag,
        user: UserId::from_uuid(Uuid::from_u128(7)),
        workspace: WorkspaceId::from_uuid(Uuid::from_u128(8)),
        role: UserRole::Preparer,
        attributes: Attributes::default(),
    }
}

async fn open(sessions: &Sessions, tag: Tag, minutes: i64) -> Opened {
    sessions.create(new(tag), at(minutes)).await.unwrap()
}

async fn open_alone(sessions: &Sessions) -> Opened {
    open(sessions, Tag::random().unwrap(), 0).await
}

async fn lives(sessions: &Sessions, token: &SessionToken, minutes: i64) -> bool {
    sessions.load(token, at(minutes)).await.unwrap().is_some()
}

/// The newest sessions of a user.
async fn listed(sessions: &Sessions, tag: Tag, now: Instant) -> Vec<SessionRecord> {
    sessions.list(tag, SessionSeek::default(), now).await.unwrap().items
}

pub(crate) async fn a_session_loads_by_its_token_and_by_nothing_else(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    assert_eq!(opened.record.expires_at, at(ABSOLUTE));
    assert_eq!(sessions.load(&opened.token, at(1)).await.unwrap(), Some(opened.record.clone()));
    let read = SessionToken::parse(&opened.token.expose()).unwrap();
    assert_eq!(sessions.load(&read, at(1)).await.unwrap(), Some(opened.record));
    let stranger = SessionToken::random(opened.token.tag()).unwrap();
    assert!(!lives(&sessions, &stranger, 1).await);
    let secret = opened.token.expose().split_once('.').unwrap().1.to_owned();
    let forged = SessionToken::parse(&format!("{}.{secret}", Tag::random().unwrap())).unwrap();
    assert!(!lives(&sessions, &forged, 1).await);
}

pub(crate) async fn an_id_that_is_taken_is_refused(sessions: Sessions) {
    let first = new(Tag::random().unwrap());
    let opened = sessions.create(first.clone(), at(0)).await.unwrap();
    for tag in [first.tag, Tag::random().unwrap()] {
        let again = NewSession { tag, ..first.clone() };
        assert!(matches!(sessions.create(again, at(1)).await, Err(Error::Exists)));
    }
    assert_eq!(sessions.load(&opened.token, at(1)).await.unwrap(), Some(opened.record));
}

pub(crate) async fn the_idle_clock_ends_a_session_that_rests(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    let end = at(IDLE);
    assert!(sessions.load(&opened.token, just_before(end)).await.unwrap().is_some());
    assert!(sessions.load(&opened.token, end).await.unwrap().is_none());
    assert!(listed(&sessions, opened.record.tag, end).await.is_empty());
    assert_eq!(sessions.touch(&opened.record, end).await.unwrap(), Touch::Gone);
    assert!(matches!(
        sessions.update(&opened.record, &Patch::default().set("a", 1), end).await,
        Err(Error::Gone)
    ));
}

pub(crate) async fn the_absolute_clock_ends_a_session_however_busy(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    for minutes in (0..ABSOLUTE).step_by(20) {
        let record = sessions.load(&opened.token, at(minutes)).await.unwrap().unwrap();
        let touch = sessions.touch(&record, at(minutes)).await.unwrap();
        assert_eq!(touch, if minutes == 0 { Touch::Recent } else { Touch::Written });
    }
    let end = at(ABSOLUTE);
    let record = sessions.load(&opened.token, just_before(end)).await.unwrap().unwrap();
    assert_eq!(sessions.lifetimes().ends_at(&record), end);
    assert!(sessions.load(&opened.token, end).await.unwrap().is_none());
    assert_eq!(sessions.touch(&record, end).await.unwrap(), Touch::Gone);
}

pub(crate) async fn a_touch_writes_only_after_a_tenth_of_the_idle_window(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    let tenth = at(IDLE / 10);
    assert_eq!(sessions.touch(&opened.record, tenth).await.unwrap(), Touch::Recent);
    let untouched = sessions.load(&opened.token, tenth).await.unwrap().unwrap();
    assert_eq!(untouched.last_seen_at, at(0));
    let later = Instant::from_micros(tenth.micros() + 1);
    assert_eq!(sessions.touch(&opened.record, later).await.unwrap(), Touch::Written);
    let touched = sessions.load(&opened.token, later).await.unwrap().unwrap();
    assert_eq!(touched.last_seen_at, later);
    assert!(lives(&sessions, &opened.token, IDLE + 2).await);
}

pub(crate) async fn a_touch_never_goes_back_in_time(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    assert_eq!(sessions.touch(&opened.record, at(20)).await.unwrap(), Touch::Written);
    assert_eq!(sessions.touch(&opened.record, at(10)).await.unwrap(), Touch::Written);
    let record = sessions.load(&opened.token, at(20)).await.unwrap().unwrap();
    assert_eq!(record.last_seen_at, at(20));
}

pub(crate) async fn a_patch_is_kept_and_of_two_writers_one_wins(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    let first = sessions.update(&opened.record, &Patch::default().set("a", 1), at(1)).await.unwrap();
    let late = sessions.update(&opened.record, &Patch::default().set("a", 2), at(1)).await;
    assert!(matches!(late, Err(Error::Stale)));
    let loaded = sessions.load(&opened.token, at(1)).await.unwrap().unwrap();
    assert_eq!(loaded, first);
    let second = sessions.update(&loaded, &Patch::default().set("b", "x").remove("a"), at(1)).await.unwrap();
    assert_eq!((second.attributes.get("a"), second.attributes.get("b")), (None, Some(&Value::from("x"))));
    assert_eq!(sessions.load(&opened.token, at(1)).await.unwrap(), Some(second));
}

pub(crate) async fn attributes_that_are_too_long_are_refused(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    let patch = Patch::default().set("a", "x".repeat(ATTRIBUTES_BYTES_MAX));
    let refused = sessions.update(&opened.record, &patch, at(1)).await;
    assert!(matches!(refused, Err(Error::AttributesTooLong { .. })));
    assert_eq!(sessions.load(&opened.token, at(1)).await.unwrap(), Some(opened.record));
}

pub(crate) async fn a_touch_does_not_get_in_the_way_of_a_patch(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    assert_eq!(sessions.touch(&opened.record, at(10)).await.unwrap(), Touch::Written);
    sessions.update(&opened.record, &Patch::default().set("a", 1), at(11)).await.unwrap();
    let record = sessions.load(&opened.token, at(11)).await.unwrap().unwrap();
    assert_eq!((record.last_seen_at, record.attributes.get("a")), (at(10), Some(&Value::from(1))));
}

pub(crate) async fn an_update_never_makes_a_session(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    assert_eq!(sessions.revoke(opened.record.tag, opened.record.id).await.unwrap(), Revocation::Revoked);
    let gone = sessions.update(&opened.record, &Patch::default().set("a", 1), at(1)).await;
    assert!(matches!(gone, Err(Error::Gone)));
    assert_eq!(sessions.touch(&opened.record, at(10)).await.unwrap(), Touch::Gone);
    assert!(!lives(&sessions, &opened.token, 1).await);
    assert!(listed(&sessions, opened.record.tag, at(1)).await.is_empty());
}

pub(crate) async fn a_rotated_token_is_dead_and_the_session_lives(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    let record = sessions.update(&opened.record, &Patch::default().set("a", 1), at(1)).await.unwrap();
    let rotated = sessions.rotate(&opened.token, Rotation::Reauthenticated, at(2)).await.unwrap();
    assert!(!lives(&sessions, &opened.token, 2).await);
    let loaded = sessions.load(&rotated.token, at(2)).await.unwrap().unwrap();
    assert_eq!(loaded, rotated.record);
    assert_eq!((loaded.id, loaded.tag, &loaded.attributes), (record.id, record.tag, &record.attributes));
    // What was loaded under the old token can't write any more.
    assert!(matches!(sessions.update(&record, &Patch::default().set("a", 2), at(3)).await, Err(Error::Gone)));
    assert_eq!(listed(&sessions, record.tag, at(3)).await, [rotated.record]);
}

pub(crate) async fn reauthentication_starts_the_absolute_clock_anew(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    let rotated = sessions.rotate(&opened.token, Rotation::Reauthenticated, at(20)).await.unwrap();
    let record = rotated.record;
    assert_eq!((record.created_at, record.authenticated_at), (at(0), at(20)));
    assert_eq!((record.expires_at, record.last_seen_at), (at(20 + ABSOLUTE), at(20)));
    assert_eq!(record.role, UserRole::Preparer);
}

pub(crate) async fn a_change_of_role_keeps_the_clock(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    let rotation = Rotation::RoleChanged(UserRole::Approver);
    let rotated = sessions.rotate(&opened.token, rotation, at(20)).await.unwrap();
    let record = sessions.load(&rotated.token, at(20)).await.unwrap().unwrap();
    assert_eq!((record.role, record.authenticated_at), (UserRole::Approver, at(0)));
    assert_eq!((record.expires_at, record.last_seen_at), (at(ABSOLUTE), at(20)));
}

pub(crate) async fn a_dead_session_cannot_be_rotated(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    let late = sessions.rotate(&opened.token, Rotation::Reauthenticated, at(IDLE)).await;
    assert!(matches!(late, Err(Error::Gone)));
    sessions.revoke_all(opened.record.tag, at(1)).await.unwrap();
    let revoked = sessions.rotate(&opened.token, Rotation::Reauthenticated, at(2)).await;
    assert!(matches!(revoked, Err(Error::Gone)));
    assert!(listed(&sessions, opened.record.tag, at(2)).await.is_empty());
}

pub(crate) async fn of_two_rotations_of_one_token_one_succeeds(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    let rotate = || sessions.rotate(&opened.token, Rotation::Reauthenticated, at(1));
    let rotated = join_all((0..8).map(|_| rotate())).await;
    let (won, lost): (Vec<_>, Vec<_>) = rotated.into_iter().partition(Result::is_ok);
    assert_eq!(won.len(), 1);
    assert!(lost.iter().all(|error| matches!(error, Err(Error::Gone))));
    assert_eq!(listed(&sessions, opened.record.tag, at(1)).await.len(), 1);
}

pub(crate) async fn a_list_shows_what_is_alive_the_newest_first(sessions: Sessions) {
    let tag = Tag::random().unwrap();
    let idle = open(&sessions, tag, 0).await.record;
    let touched = open(&sessions, tag, 5).await.record;
    let newest = open(&sessions, tag, 10).await.record;
    let stranger = open_alone(&sessions).await.record;
    let ids = async |minutes| -> Vec<SessionId> {
        listed(&sessions, tag, at(minutes)).await.iter().map(|record| record.id).collect()
    };
    assert_eq!(ids(12).await, [newest.id, touched.id, idle.id]);
    assert_eq!(sessions.touch(&touched, at(15)).await.unwrap(), Touch::Written);
    assert_eq!(ids(15).await, [newest.id, touched.id, idle.id]);
    assert_eq!(ids(IDLE).await, [newest.id, touched.id]);
    assert!(!ids(12).await.contains(&stranger.id));
}

pub(crate) async fn pages_of_a_list_hold_every_session_once(sessions: Sessions) {
    let tag = Tag::random().unwrap();
    let mut opened = Vec::new();
    for minutes in 0..5 {
        opened.push(open(&sessions, tag, minutes).await.record.id);
    }
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = sessions.list(tag, SessionSeek { before, limit: 2 }, at(5)).await.unwrap();
        found.extend(page.items.iter().map(|record| record.id));
        before = found.last().copied();
        if !page.more {
            break;
        }
        assert_eq!(page.items.len(), 2);
    }
    opened.reverse();
    assert_eq!(found, opened);
    // A page ends where a session was that is gone by now.
    sessions.revoke(tag, opened[1]).await.unwrap();
    let seek = SessionSeek { before: Some(opened[1]), limit: 9 };
    let rest = sessions.list(tag, seek, at(5)).await.unwrap();
    assert_eq!((rest.items.len(), rest.more), (3, false));
}

pub(crate) async fn signing_out_ends_one_session_at_once(sessions: Sessions) {
    let tag = Tag::random().unwrap();
    let (one, other) = (open(&sessions, tag, 0).await, open(&sessions, tag, 0).await);
    assert_eq!(sessions.revoke(tag, one.record.id).await.unwrap(), Revocation::Revoked);
    assert!(!lives(&sessions, &one.token, 0).await);
    assert!(lives(&sessions, &other.token, 0).await);
    assert_eq!(sessions.revoke(tag, one.record.id).await.unwrap(), Revocation::Absent);
}

pub(crate) async fn a_session_is_revoked_only_in_its_own_slot(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    let stranger = Tag::random().unwrap();
    assert_eq!(sessions.revoke(stranger, opened.record.id).await.unwrap(), Revocation::Absent);
    assert!(lives(&sessions, &opened.token, 0).await);
}

pub(crate) async fn revoking_all_ends_every_session_of_the_user_and_of_nobody_else(sessions: Sessions) {
    let tag = Tag::random().unwrap();
    let (one, other) = (open(&sessions, tag, 0).await, open(&sessions, tag, 1).await);
    let stranger = open_alone(&sessions).await;
    sessions.revoke_all(tag, at(2)).await.unwrap();
    for opened in [&one, &other] {
        assert!(!lives(&sessions, &opened.token, 2).await);
        assert_eq!(sessions.touch(&opened.record, at(10)).await.unwrap(), Touch::Gone);
        assert!(matches!(
            sessions.update(&opened.record, &Patch::default().set("a", 1), at(2)).await,
            Err(Error::Gone)
        ));
    }
    assert!(listed(&sessions, tag, at(2)).await.is_empty());
    assert!(lives(&sessions, &stranger.token, 2).await);
}

pub(crate) async fn a_session_made_after_revoking_all_lives(sessions: Sessions) {
    let tag = Tag::random().unwrap();
    // A user who never signed in has sessions to revoke as well: none, and it is no error.
    sessions.revoke_all(tag, at(0)).await.unwrap();
    let before = open(&sessions, tag, 0).await;
    sessions.revoke_all(tag, at(0)).await.unwrap();
    let after = open(&sessions, tag, 0).await;
    assert!(after.record.generation > before.record.generation);
    assert!(!lives(&sessions, &before.token, 1).await);
    assert!(lives(&sessions, &after.token, 1).await);
}

pub(crate) async fn revoking_all_with_a_clock_that_went_back_still_revokes(sessions: Sessions) {
    let opened = open_alone(&sessions).await;
    sessions.revoke_all(opened.record.tag, at(-60)).await.unwrap();
    assert!(!lives(&sessions, &opened.token, 1).await);
}

/// What requests of a session do while something else ends it; which of these they are told doesn't matter here.
async fn busy(sessions: Sessions, opened: Arc<Opened>) {
    for round in 0..4 {
        let patch = Patch::default().set("round", round);
        let told = sessions.update(&opened.record, &patch, at(10)).await;
        assert!(matches!(told, Ok(_) | Err(Error::Gone | Error::Stale)), "{told:?}");
        let _: Touch = sessions.touch(&opened.record, at(10)).await.unwrap();
    }
}

/// Ends sessions by `end` while other tasks use and rotate them, a little later each time.
async fn nothing_survives(sessions: Sessions, end: impl AsyncFn(&Sessions, &Opened)) {
    for round in 0..16 {
        let opened = Arc::new(open_alone(&sessions).await);
        let requests = [0, 1].map(|_| tokio::spawn(busy(sessions.clone(), Arc::clone(&opened))));
        let rotating = tokio::spawn({
            let (sessions, opened) = (sessions.clone(), Arc::clone(&opened));
            async move { sessions.rotate(&opened.token, Rotation::Reauthenticated, at(10)).await }
        });
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        end(&sessions, &opened).await;
        let rotated = rotating.await.unwrap();
        for request in requests {
            request.await.unwrap();
        }
        assert!(!lives(&sessions, &opened.token, 10).await);
        match rotated {
            Ok(rotated) => assert!(!lives(&sessions, &rotated.token, 10).await),
            Err(error) => assert!(matches!(error, Error::Gone), "{error:?}"),
        }
        assert!(listed(&sessions, opened.record.tag, at(10)).await.is_empty());
    }
}

pub(crate) async fn nothing_that_races_with_signing_out_brings_a_session_back(sessions: Sessions) {
    nothing_survives(sessions, async |sessions, opened| {
        let revoked = sessions.revoke(opened.record.tag, opened.record.id).await;
        assert_eq!(revoked.unwrap(), Revocation::Revoked);
    })
    .await;
}

pub(crate) async fn nothing_that_races_with_revoking_all_brings_a_session_back(sessions: Sessions) {
    nothing_survives(sessions, async |sessions, opened| {
        sessions.revoke_all(opened.record.tag, at(10)).await.unwrap();
    })
    .await;
}

pub(crate) async fn purging_deletes_what_is_dead_in_batches_and_nothing_else(sessions: Sessions) {
    let tag = Tag::random().unwrap();
    for _ in 0..3 {
        open(&sessions, tag, 0).await;
    }
    let alive = open(&sessions, tag, 20).await;
    assert_eq!(sessions.purge_expired(10, at(20)).await.unwrap(), 0);
    assert_eq!(sessions.purge_expired(2, at(IDLE)).await.unwrap(), 2);
    assert_eq!(sessions.purge_expired(2, at(IDLE)).await.unwrap(), 1);
    assert_eq!(sessions.purge_expired(2, at(IDLE)).await.unwrap(), 0);
    assert!(lives(&sessions, &alive.token, IDLE).await);
    assert_eq!(sessions.purge_expired(2, at(ABSOLUTE + 20)).await.unwrap(), 1);
}

pub(crate) async fn the_store_says_that_it_answers(sessions: Sessions) {
    sessions.check().await.unwrap();
}
