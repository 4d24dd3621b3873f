//! Fills an empty folder with the store that `tests/fixtures/lambda/*.json` are about: their ids, their tokens, one
//! thing in each state that a function acts on. `cargo xtask seed` calls it.
//!
//! The tokens stand in the payloads, so this store is for trying functions out and for nothing else.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use recon_contract::rules;
use recon_domain::{DatasetId, Instant, ReconciliationId, SessionId, UserId, UserRole, WorkspaceId};
use recon_idempotency::{
    ClaimOutcome, Guard, IdempotencyKey, RETENTION_DEFAULT, Request, Scope, StoredResponse, Unanswered,
};
use recon_runtime::{Environment, Platform, Process, Turn};
use recon_session::password::{self, NewPassword};
use recon_session::{Attributes, SessionRecord, SessionToken, Tag};
use recon_store::{Failure, JobKind, Json, NewDataset, NewReconciliation, NewUser, Upload};
use uuid::Uuid;

const EMAIL: &str = "fixture@example.com";
const PASSWORD: &str = "a password for fixtures";
const TAG: &str = "f1c7f1c7f1c7f1c7";
/// Sessions: one that all payloads use, one to be closed, one to be revoked.
const SESSIONS: [u8; 3] = [1, 2, 3];

/// How long the sessions last: as long as anybody else's.
const SESSION_MICROS: i64 = 12 * 60 * 60 * 1_000_000;

/// What this seed names, told apart by the end of its id.
const fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x019a_0000_0000_7000_8000_0000_0000_0000 + number)
}

const WORKSPACE: WorkspaceId = WorkspaceId::from_uuid(id(0x1));
const USER: UserId = UserId::from_uuid(id(0x2));
const BANK: DatasetId = DatasetId::from_uuid(id(0x101));
const LEDGER: DatasetId = DatasetId::from_uuid(id(0x102));
/// Awaits its content.
const EMPTY: DatasetId = DatasetId::from_uuid(id(0x103));
/// Has its content and is to be completed.
const UPLOADED: DatasetId = DatasetId::from_uuid(id(0x104));
/// Is to be deleted.
const UNWANTED: DatasetId = DatasetId::from_uuid(id(0x105));
/// Is to be read by a worker.
const COMPLETED: DatasetId = DatasetId::from_uuid(id(0x106));
const DONE: ReconciliationId = ReconciliationId::from_uuid(id(0x201));
/// Is to be cancelled: no worker has it.
const WAITING: ReconciliationId = ReconciliationId::from_uuid(id(0x202));
/// Is to be deleted.
const FAILED: ReconciliationId = ReconciliationId::from_uuid(id(0x203));

#[tokio::main]
async fn main() -> Result<()> {
    let folder =
        std::env::args_os().nth(1).map(PathBuf::from).context("usage: seed FOLDER [DATABASE_URL]")?;
    std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
    let folder = folder.canonicalize().context("find the folder")?;
    ensure!(folder.read_dir()?.next().is_none(), "{} is not empty", folder.display());
    let database = match std::env::args().nth(2) {
        Some(url) => url,
        None => format!("sqlite://{}", folder.join("recon.sqlite").display()),
    };
    let objects = format!("file://{}", folder.join("objects").display());
    let environment =
        Environment::of([("DATABASE_URL", database.as_str()), ("OBJECT_URL", objects.as_str())]);
    let seed = Seed { platform: Platform::open(&environment, Process::new())? };
    seed.fill().await?;
    seed.platform.store.close().await;
    print(&format!("export DATABASE_URL={database}\nexport OBJECT_URL={objects}"));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what a shell takes over")]
fn print(text: &str) {
    println!("{text}");
}

fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../local/demo").join(name)
}

/// A request that nobody repeats.
fn keyed<T>(key: &str, path: &str) -> Result<Guard<T>> {
    let request = Request { method: "POST", path, query: "", media_type: "", headers: &[], body: b"" };
    let scope = Scope { workspace: WORKSPACE.uuid(), principal: USER.uuid() };
    let key = IdempotencyKey::parse(key.as_bytes())?;
    let unanswered = Unanswered::new(scope, key, &request, RETENTION_DEFAULT);
    Ok(unanswered.answering(|_| StoredResponse::new(202, [("", ""); 0], Vec::new())))
}

fn fresh<T>(outcome: ClaimOutcome<T>) -> Result<T> {
    match outcome {
        ClaimOutcome::Fresh { value, .. } => Ok(value),
        _ => bail!("the folder was filled before"),
    }
}

struct Seed {
    platform: Platform,
}

impl Seed {
    async fn fill(&self) -> Result<()> {
        self.platform.store.migrate().await?;
        self.people().await?;
        for (dataset, file) in [(BANK, "bank.csv"), (LEDGER, "ledger.csv")] {
            self.uploaded(dataset, file).await?;
            self.complete(dataset).await?;
        }
        self.work().await?;
        self.reconcile(DONE).await?;
        self.work().await?;
        self.reconcile(FAILED).await?;
        let jobs = self.platform.store.jobs();
        let lease = jobs.lease(&[JobKind::Reconcile], "seed").await?.context("nothing was queued")?;
        let failure = Failure { code: "data_does_not_fit".to_owned(), detail: "made to fail".to_owned() };
        self.platform.store.reconciliations().fail(&lease, failure).await?;

        self.dataset(EMPTY).await?;
        self.dataset(UNWANTED).await?;
        self.uploaded(UPLOADED, "bank.csv").await?;
        // The oldest job is the one that a worker takes, so that the other is still there to be cancelled.
        self.uploaded(COMPLETED, "ledger.csv").await?;
        self.complete(COMPLETED).await?;
        self.reconcile(WAITING).await
    }

    async fn people(&self) -> Result<()> {
        let store = &self.platform.store;
        store.workspaces().ensure(WORKSPACE, &"fixtures".parse()?).await?;
        let tag: Tag = TAG.parse()?;
        let new = NewUser {
            id: USER,
            email: EMAIL.parse()?,
            role: UserRole::Admin,
            password_hash: password::hash(&NewPassword::new(PASSWORD.to_owned())?)?,
            session_tag: tag,
        };
        store.users().create(WORKSPACE, new).await?;
        let now = self.platform.clock.now();
        for number in SESSIONS {
            let record = SessionRecord {
                id: SessionId::from_uuid(id(0x300 + u128::from(number))),
                tag,
                token_hash: token(number)?.hash(),
                user: USER,
                workspace: WORKSPACE,
                role: UserRole::Admin,
                generation: 1,
                created_at: now,
                authenticated_at: now,
                last_seen_at: now,
                expires_at: Instant::from_micros(now.micros() + SESSION_MICROS),
                attributes: Attributes::default(),
                version: 1,
            };
            store.session_backend().create(&record).await?;
        }
        Ok(())
    }

    async fn dataset(&self, id: DatasetId) -> Result<()> {
        let new = NewDataset {
            id,
            name: format!("fixture {id}"),
            format: "csv".to_owned(),
            options: Json::of(&serde_json::json!({}))?,
        };
        let guard = keyed(&format!("seed-{id}"), "/v1/datasets")?;
        fresh(self.platform.store.datasets().create(WORKSPACE, guard, new).await?).map(|_| ())
    }

    /// A dataset with a file of the demo as its content.
    async fn uploaded(&self, id: DatasetId, file: &str) -> Result<()> {
        self.dataset(id).await?;
        let store = &self.platform.store;
        let object = store.datasets().begin_upload(WORKSPACE, id).await?.context("no such dataset")?;
        let written = store.objects().put_file(&object, &demo(file)).await?;
        let upload = Upload::hashed(object, written.sha256, written.bytes);
        store.datasets().attach_upload(WORKSPACE, id, upload).await?.context("no such dataset")?;
        Ok(())
    }

    async fn complete(&self, id: DatasetId) -> Result<()> {
        let guard = keyed(&format!("seed-complete-{id}"), "/v1/datasets/complete")?;
        let completed = self.platform.store.datasets().complete(WORKSPACE, id, guard, None).await?;
        fresh(completed.context("no such dataset")?).map(|_| ())
    }

    async fn reconcile(&self, id: ReconciliationId) -> Result<()> {
        let text = std::fs::read_to_string(demo("rules.toml")).context("read the demo's rules")?;
        let rules = rules::toml_to_json(&text)?;
        let new = NewReconciliation {
            id,
            name: format!("fixture {id}"),
            left: BANK,
            right: LEDGER,
            rules: Json::of(&rules)?,
        };
        let guard = keyed(&format!("seed-{id}"), "/v1/reconciliations")?;
        fresh(self.platform.store.reconciliations().create(WORKSPACE, guard, new).await?).map(|_| ())
    }

    /// Works off what is queued.
    async fn work(&self) -> Result<()> {
        let deps = worker::Deps::open(&self.platform);
        while worker::turn(deps.clone()).await? == Turn::Worked {}
        Ok(())
    }
}

/// The token of a session: the user's slot and a secret of one byte over and over.
fn token(number: u8) -> Result<SessionToken> {
    let secret = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, [number; 32]);
    Ok(SessionToken::parse(&format!("{TAG}.{secret}"))?)
}
