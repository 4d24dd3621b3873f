//! A workspace in which every route has something to act on, and the cases that act on it.

use recon_testkit::{Call, Folder, World, demo};
use serde_json::{Value, json};

use super::Case;
use crate::support::{demo_rules, endless_pair, endless_rules, reaches, ready_pair};

/// What is there, by what it is there for.
pub(super) struct Stage {
    pub(super) viewer: String,
    pub(super) approver: String,
    /// Sessions that are only there to be ended.
    closing: String,
    leaving: String,
    revoked: String,
    account: demo::Account,
    pair: [String; 2],
    /// Awaits its content.
    empty: String,
    unwanted: String,
    /// Has content that is not completed yet.
    uploaded: String,
    done: String,
    endless: String,
    etag: String,
    openapi_etag: String,
    docs_etag: String,
}

async fn etag(world: &World, call: Call) -> String {
    world.call(&call).await.unwrap().header("etag").unwrap().to_owned()
}

async fn empty(world: &World, token: &str, key: &str) -> String {
    let body = json!({ "name": key, "format": "csv", "options": {} });
    let call = Call::new("POST", "/v1/datasets").bearer(token).key(key).json(&body);
    let created = world.call(&call).await.unwrap().expect(201).unwrap();
    created["id"].as_str().unwrap().to_owned()
}

impl Stage {
    pub(super) async fn set(folder: &Folder, world: &World, name: &str) -> Self {
        let add = |role: &str| demo::add_user(folder, &format!("{role}@{name}.example"), role, name).unwrap();
        let (viewer, account) = (add("viewer"), add("approver"));
        let leaver = demo::add_user(folder, &format!("leaver@{name}.example"), "viewer", name).unwrap();
        let approver = demo::sign_in(world, &account).await.unwrap();
        let revoked = demo::sign_in(world, &account).await.unwrap();
        let current = Call::new("GET", "/v1/sessions/current").bearer(&revoked);
        let current = world.call(&current).await.unwrap().expect(200).unwrap();

        let pair = ready_pair(world, &approver).await.unwrap();
        let run = async |key: &str, pair: &[String; 2], rules: &Value| {
            let created = demo::reconcile(world, &approver, key, (&pair[0], &pair[1]), rules).await.unwrap();
            created["id"].as_str().unwrap().to_owned()
        };
        let done = run("done", &pair, &demo_rules()).await;
        demo::finished(world, &approver, &done).await.unwrap();
        let endless_pair = endless_pair(world, &approver).await.unwrap();
        let endless = run("endless", &endless_pair, &endless_rules()).await;
        reaches(world, &approver, &endless, "matching").await.unwrap();
        let uploaded = demo::upload(world, &approver, "uploaded", b"a,b\n1,2\n".to_vec()).await.unwrap();
        Self {
            viewer: demo::sign_in(world, &viewer).await.unwrap(),
            closing: demo::sign_in(world, &account).await.unwrap(),
            leaving: demo::sign_in(world, &leaver).await.unwrap(),
            revoked: current["id"].as_str().unwrap().to_owned(),
            empty: empty(world, &approver, "empty").await,
            unwanted: empty(world, &approver, "unwanted").await,
            etag: etag(world, Call::new("GET", &format!("/v1/reconciliations/{done}")).bearer(&approver))
                .await,
            openapi_etag: etag(world, Call::new("GET", "/openapi.json")).await,
            docs_etag: etag(world, Call::new("GET", "/docs")).await,
            account,
            pair,
            uploaded,
            done,
            endless,
            approver,
        }
    }

    fn call(&self, method: &str, path: &str) -> Call {
        Call::new(method, path).bearer(&self.approver)
    }

    fn get(&self, path: &str) -> Call {
        self.call("GET", path)
    }

    /// In this order: what is deleted is used before.
    pub(super) fn cases(&self) -> Vec<Case> {
        [self.open_to_all(), self.datasets(), self.results(), self.runs(), self.deletes(), self.sessions()]
            .into_iter()
            .flatten()
            .map(|(status, call)| Case { status, call })
            .collect()
    }

    fn open_to_all(&self) -> Vec<(u16, Call)> {
        let sign_in = json!({ "email": self.account.email, "password": self.account.password });
        let get = |path| Call::new("GET", path);
        vec![
            (200, get("/health")),
            (200, get("/ready")),
            (200, get("/openapi.json")),
            (304, get("/openapi.json").header("if-none-match", &self.openapi_etag)),
            (200, get("/docs")),
            (304, get("/docs").header("if-none-match", &self.docs_etag)),
            (201, Call::new("POST", "/v1/sessions").json(&sign_in)),
        ]
    }

    fn datasets(&self) -> Vec<(u16, Call)> {
        let (bank, empty, uploaded) = (&self.pair[0], &self.empty, &self.uploaded);
        let create = json!({ "name": "d", "format": "csv", "options": {} });
        let put = |id: &str, bytes: Vec<u8>| {
            self.call("PUT", &format!("/v1/datasets/{id}/content"))
                .header("content-type", "text/csv")
                .bytes(bytes)
        };
        let complete = |id: &str, key: &str| {
            let call = self.call("POST", &format!("/v1/datasets/{id}/complete"));
            call.key(key).json(&json!({ "sha256": null }))
        };
        let suggest = |left: &str| {
            self.call("POST", "/v1/rules/suggest").json(&json!({ "left": left, "right": self.pair[1] }))
        };
        vec![
            (201, self.call("POST", "/v1/datasets").key("parity").json(&create)),
            // The same key again, and for something else.
            (201, self.call("POST", "/v1/datasets").key("parity").json(&create)),
            (
                422,
                self.call("POST", "/v1/datasets")
                    .key("parity")
                    .json(&json!({ "name": "e", "format": "csv", "options": {} })),
            ),
            (200, self.get("/v1/idempotency").key("parity")),
            (400, self.get("/v1/idempotency")),
            (404, self.get("/v1/idempotency").key("never-used")),
            (200, self.get(&format!("/v1/datasets/{bank}"))),
            (200, self.get("/v1/datasets?limit=2")),
            (200, self.get(&format!("/v1/datasets/{bank}/rows?limit=5"))),
            (200, self.get(&format!("/v1/datasets/{bank}/rows?status=rejected"))),
            (409, complete(empty, "complete-empty")),
            (204, put(empty, b"a,b\n3,4\n".to_vec())),
            (413, put(empty, vec![b'x'; 1_000_001])),
            (202, complete(uploaded, "complete")),
            (409, put(uploaded, b"late".to_vec())),
            (200, suggest(bank)),
            (409, suggest(empty)),
        ]
    }

    fn results(&self) -> Vec<(u16, Call)> {
        let of = |rest: &str| self.get(&format!("/v1/reconciliations/{}{rest}", self.done));
        let mut cases = vec![
            (200, of("")),
            (304, of("").header("if-none-match", &self.etag)),
            (200, self.get("/v1/reconciliations?status=succeeded")),
            (200, of("/matches?limit=7")),
            (200, of("/matches?status=suggested")),
            (200, of("/breaks?side=left&limit=7")),
            (200, of("/rejections")),
        ];
        for what in ["matches", "breaks", "rejections"] {
            for format in ["csv", "json", "parquet"] {
                cases.push((200, of(&format!("/export?what={what}&format={format}"))));
            }
        }
        cases
    }

    fn runs(&self) -> Vec<(u16, Call)> {
        let create = |left: &str, key: &str| {
            let body = json!({ "name": "r", "left": left, "right": self.pair[1], "rules": demo_rules() });
            self.call("POST", "/v1/reconciliations").key(key).json(&body)
        };
        let endless = format!("/v1/reconciliations/{}", self.endless);
        let cancel = |key: &str| self.call("POST", &format!("{endless}/cancel")).key(key).json(&json!({}));
        vec![
            (202, create(&self.pair[0], "parity-run")),
            (409, create(&self.empty, "parity-unready")),
            (409, self.call("DELETE", &endless)),
            (409, self.get(&format!("{endless}/export?what=breaks"))),
            (202, cancel("cancel")),
            (409, cancel("cancel-again")),
        ]
    }

    fn deletes(&self) -> Vec<(u16, Call)> {
        vec![
            (409, self.call("DELETE", &format!("/v1/datasets/{}", self.pair[0]))),
            (204, self.call("DELETE", &format!("/v1/datasets/{}", self.unwanted))),
            (204, self.call("DELETE", &format!("/v1/reconciliations/{}", self.endless))),
        ]
    }

    fn sessions(&self) -> Vec<(u16, Call)> {
        vec![
            (200, self.get("/v1/sessions")),
            (200, self.get("/v1/sessions/current")),
            (204, self.call("DELETE", &format!("/v1/sessions/{}", self.revoked))),
            (204, Call::new("DELETE", "/v1/sessions/current").bearer(&self.closing)),
            (204, Call::new("DELETE", "/v1/sessions").bearer(&self.leaving)),
        ]
    }
}
