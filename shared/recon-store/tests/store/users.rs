//! Workspaces, users, and their sessions.

use std::time::Duration;

use recon_domain::{SessionId, WorkspaceId};
use recon_session::password::{Password, Verdict, verify};
use recon_session::{Attributes, Lifetimes, NewSession};
use recon_store::{Email, Error};

use crate::bench::Bench;

pub(crate) async fn a_workspace_of_a_name_is_made_once(bench: Bench) {
    let other_id = WorkspaceId::from_uuid(bench.next_uuid());
    let found = bench.store.workspaces().ensure(other_id, &"ours".parse().unwrap()).await.unwrap();
    assert_eq!(found.id, bench.workspace);
    assert_eq!(bench.store.workspaces().get(bench.workspace).await.unwrap(), Some(found));
    assert_eq!(bench.store.workspaces().get(other_id).await.unwrap(), None);
}

pub(crate) async fn an_email_is_taken_in_every_workspace(bench: Bench) {
    let users = bench.store.users();
    users.create(bench.workspace, bench.new_user("ann@example.com")).await.unwrap();
    for workspace in [bench.workspace, bench.stranger] {
        let again = users.create(workspace, bench.new_user(" ANN@Example.com")).await;
        assert!(matches!(again, Err(Error::EmailTaken)));
    }
}

pub(crate) async fn a_sign_in_finds_the_user_by_email_alone(bench: Bench) {
    let users = bench.store.users();
    let made = users.create(bench.workspace, bench.new_user("ann@example.com")).await.unwrap();
    let found = users.by_email(&made.email).await.unwrap().unwrap();
    assert_eq!((&found.user, found.workspace_name.as_str()), (&made, "ours"));
    let password = Password::new("correct horse".to_owned()).unwrap();
    assert_eq!(verify(&password, Some(&found.password_hash)).unwrap(), Verdict::Right);
    assert!(!made.disabled);
    assert_eq!(made.created_at, bench.now());
    assert!(users.by_email(&"bob@example.com".parse::<Email>().unwrap()).await.unwrap().is_none());
}

pub(crate) async fn a_profile_is_of_its_own_workspace_only(bench: Bench) {
    let users = bench.store.users();
    let made = users.create(bench.workspace, bench.new_user("ann@example.com")).await.unwrap();
    let found = users.profile(bench.workspace, made.id).await.unwrap().unwrap();
    assert_eq!((&found.user, found.workspace_name.as_str()), (&made, "ours"));
    assert_eq!(users.profile(bench.stranger, made.id).await.unwrap(), None);
}

pub(crate) async fn revoked_sessions_are_not_admitted_and_later_ones_are(bench: Bench) {
    let users = bench.store.users();
    let made = users.create(bench.workspace, bench.new_user("ann@example.com")).await.unwrap();
    let signed_in = bench.now();
    let admits = async |workspace, at| users.admits(workspace, made.id, at).await.unwrap();
    assert!(admits(bench.workspace, signed_in).await);
    assert!(!admits(bench.stranger, signed_in).await);
    bench.pass(Duration::from_secs(1));
    assert!(!users.revoke_sessions(bench.stranger, made.id).await.unwrap());
    assert!(admits(bench.workspace, signed_in).await);
    for _ in 0..2 {
        assert!(users.revoke_sessions(bench.workspace, made.id).await.unwrap());
        assert!(!admits(bench.workspace, signed_in).await);
        assert!(admits(bench.workspace, bench.now()).await);
    }
    let nobody = recon_domain::UserId::from_uuid(bench.next_uuid());
    assert!(!users.admits(bench.workspace, nobody, bench.now()).await.unwrap());
}

pub(crate) async fn a_session_lives_in_the_same_database(bench: Bench) {
    let user = bench.store.users().create(bench.workspace, bench.new_user("a@b")).await.unwrap();
    let new = NewSession {
        id: SessionId::from_uuid(bench.next_uuid()),
        tag: user.session_tag,
        user: user.id,
        workspace: user.workspace,
        role: user.role,
        attributes: Attributes::default(),
    };
    let sessions = bench.store.sessions(Lifetimes::default());
    let opened = sessions.create(new, bench.now()).await.unwrap();
    let bench = bench.restart().await;
    let sessions = bench.store.sessions(Lifetimes::default());
    let found = sessions.load(&opened.token, bench.now()).await.unwrap().unwrap();
    assert_eq!((found.user, found.workspace), (user.id, bench.workspace));
    bench.pass(Duration::from_hours(1));
    assert!(sessions.load(&opened.token, bench.now()).await.unwrap().is_none());
}
