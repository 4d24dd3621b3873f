//! A platform with signed-in users, and requests through it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request};
use http_body_util::BodyExt as _;
use recon_domain::{Instant, SessionId, UserId, UserRole, WorkspaceId};
use recon_session::password::{NewPassword, hash};
use recon_session::{Attributes, NewSession, Tag};
use recon_store::NewUser;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::{Clock, Environment, Ids, Platform, Process, app};

pub(super) const WORKSPACE: WorkspaceId = WorkspaceId::from_uuid(Uuid::from_u128(1));
pub(super) const USER: UserId = UserId::from_uuid(Uuid::from_u128(2));

pub(crate) struct World {
    pub(crate) platform: Platform,
    folder: TempDir,
}

pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl World {
    /// A platform on an empty folder, with foreseeable ids and a held clock. Nothing is migrated.
    pub(crate) fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (database, objects) = (folder.path().join("recon.db"), folder.path().join("objects"));
        let environment = Environment::of([
            ("DATABASE_URL", format!("sqlite://{}", database.display()).as_str()),
            ("OBJECT_URL", format!("file://{}", objects.display()).as_str()),
            ("UPLOAD_BYTES_MAX", "1000"),
        ]);
        let clock = Clock::held_at(Instant::from_micros(1_772_445_600_000_000));
        let mut platform = Platform::open_with_clock(&environment, Process::new(), clock).unwrap();
        platform.ids = Ids::counted();
        Self { platform, folder }
    }

    /// A platform whose store can be used.
    pub(super) async fn new() -> Self {
        let world = Self::empty();
        let store = &world.platform.store;
        store.migrate().await.unwrap();
        store.workspaces().ensure(WORKSPACE, &"ours".parse().unwrap()).await.unwrap();
        let password = NewPassword::new("correct horse".to_owned()).unwrap();
        let user = NewUser {
            id: USER,
            email: "ann@example.com".parse().unwrap(),
            role: UserRole::Admin,
            password_hash: hash(&password).unwrap(),
            session_tag: Tag::random().unwrap(),
        };
        store.users().create(WORKSPACE, user).await.unwrap();
        world
    }

    /// The token of a new session of somebody with this role.
    pub(super) async fn token(&self, role: UserRole) -> String {
        let new = NewSession {
            id: SessionId::from_uuid(self.platform.ids.next().unwrap()),
            tag: Tag::random().unwrap(),
            user: USER,
            workspace: WORKSPACE,
            role,
            attributes: Attributes::default(),
        };
        let opened = self.platform.sessions().create(new, self.platform.clock.now()).await.unwrap();
        opened.token.expose()
    }

    /// The folder of database and objects.
    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(super) fn pass(&self, time: Duration) {
        self.platform.clock.advance(time);
    }

    pub(super) async fn send(&self, router: Router, request: Request<Body>) -> Answered {
        let Ok(response) = app(router, &self.platform).oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answered { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

impl Answered {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails unless it is a problem document of this code, with the request's id.
    #[track_caller]
    pub(super) fn is_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.body["request_id"].as_str(), Some(self.header("x-request-id")));
        assert_eq!(self.body["status"], status);
    }
}

/// A request without a body.
pub(super) fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

/// A request with a JSON body.
pub(super) fn json(method: &str, path: &str, token: &str, body: &str) -> Request<Body> {
    request(method, path)
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap()
}
