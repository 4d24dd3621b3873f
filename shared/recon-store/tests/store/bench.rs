//! A store of its own for each test, with a clock that stands still until it is moved.

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use recon_domain::{
    BreakId, BreakKind, DatasetId, Instant, ReconciliationId, Side, UserId, UserRole, WorkspaceId,
};
use recon_idempotency::{
    ClaimOutcome, Guard, IdempotencyKey, RETENTION_DEFAULT, Request, Scope, StoredResponse, Unanswered,
};
use recon_session::Tag;
use recon_session::password::{NewPassword, PasswordHash, hash};
use recon_store::{
    Clock, DatabaseUrl, DatasetContent, DatasetRecord, Email, IngestResult, JobKind, Json, Lease, NewBreak,
    NewDataset, NewReconciliation, NewUser, ObjectUrl, Published, ReconciliationRecord, Store, StoreConfig,
    Upload,
};
use recon_testkit::{PgBouncer, Postgres};
use sqlx::{Connection, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use uuid::Uuid;

/// 2026-01-01T00:00:00Z.
const START_MICROS: i64 = 1_767_225_600_000_000;

pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) workspace: WorkspaceId,
    pub(crate) stranger: WorkspaceId,
    pub(crate) config: StoreConfig,
    time: Arc<AtomicI64>,
    ids: AtomicU64,
    folder: TempDir,
}

pub(crate) async fn sqlite() -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let config = StoreConfig::in_folder(folder.path());
    of(config, folder).await
}

/// A database of a private server, as `recon migrate` leaves it.
pub(crate) async fn postgres() -> Bench {
    static MIGRATED: OnceCell<String> = OnceCell::const_new();
    let template = MIGRATED
        .get_or_init(|| async {
            let url = new_database(None).await;
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(&at(&url, folder.path()));
            store.migrate().await.unwrap();
            store.close().await;
            // Each copy is tied to a folder of its own.
            let mut connection = PgConnection::connect(&url).await.unwrap();
            sqlx::raw_sql("delete from sweep_places").execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            url
        })
        .await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("objects")).unwrap();
    of(at(&new_database(Some(template)).await, folder.path()), folder).await
}

/// The same through a PgBouncer that has fewer connections than its clients.
pub(crate) async fn pgbouncer() -> Bench {
    let bench = postgres().await;
    let direct = bench.config.database.to_string();
    let Bench { store, folder, .. } = bench;
    store.close().await;
    of(at(&pooled(&direct).await, folder.path()), folder).await
}

/// What stands before the server of every test.
fn bouncer() -> &'static PgBouncer {
    static BOUNCER: OnceLock<PgBouncer> = OnceLock::new();
    BOUNCER.get_or_init(|| PgBouncer::start(Postgres::shared().unwrap()).unwrap())
}

/// The URL of a database through the PgBouncer.
pub(crate) async fn pooled(direct: &str) -> String {
    let direct = direct.to_owned();
    let url = move || format!("{}?statement-cache-capacity=0", bouncer().url(&direct));
    tokio::task::spawn_blocking(url).await.unwrap()
}

/// The URL of a database, past the PgBouncer where there is one.
pub(crate) fn direct(database: &DatabaseUrl) -> String {
    let url = database.to_string();
    match database {
        DatabaseUrl::Sqlite(_) => url,
        DatabaseUrl::Postgres(_) => {
            let name = url.rsplit('/').next().unwrap();
            format!("postgres://postgres@127.0.0.1:{}/{name}", Postgres::shared().unwrap().port())
        }
    }
}

/// The URL of a new database, empty or a copy.
pub(crate) async fn new_database(template: Option<&str>) -> String {
    let template = template.map(str::to_owned);
    let make = move || Postgres::shared().unwrap().database(template.as_deref()).unwrap();
    tokio::task::spawn_blocking(make).await.unwrap()
}

/// A store in this database, with its objects in a folder.
pub(crate) fn at(url: &str, folder: &Path) -> StoreConfig {
    StoreConfig { database: DatabaseUrl::parse(url).unwrap(), ..StoreConfig::in_folder(folder) }
}

async fn of(config: StoreConfig, folder: TempDir) -> Bench {
    let time = Arc::new(AtomicI64::new(START_MICROS));
    let store = Store::open_with_clock(&config, clock(&time));
    store.migrate().await.unwrap();
    let (workspace, stranger) = (WorkspaceId::from_uuid(uuid(1)), WorkspaceId::from_uuid(uuid(2)));
    store.workspaces().ensure(workspace, &"ours".parse().unwrap()).await.unwrap();
    store.workspaces().ensure(stranger, &"theirs".parse().unwrap()).await.unwrap();
    Bench { store, workspace, stranger, config, time, ids: AtomicU64::new(100), folder }
}

fn clock(time: &Arc<AtomicI64>) -> Clock {
    let time = Arc::clone(time);
    Clock::from_fn(move || Instant::from_micros(time.load(Ordering::SeqCst)))
}

pub(crate) fn uuid(number: u64) -> Uuid {
    Uuid::from_u128(u128::from(number))
}

pub(crate) fn json(text: &str) -> Json {
    Json::of(&serde_json::from_str::<serde_json::Value>(text).unwrap()).unwrap()
}

/// A request to `path` with this key.
pub(crate) fn keyed(workspace: WorkspaceId, key: &str, path: &str) -> Unanswered {
    keyed_for(workspace, key, path, RETENTION_DEFAULT)
}

fn keyed_for(workspace: WorkspaceId, key: &str, path: &str, retention: Duration) -> Unanswered {
    let scope = Scope { workspace: workspace.uuid(), principal: uuid(9) };
    let request = Request { method: "POST", path, query: "", media_type: "", headers: &[], body: b"" };
    Unanswered::new(scope, IdempotencyKey::parse(key.as_bytes()).unwrap(), &request, retention)
}

pub(crate) fn dataset_guard(workspace: WorkspaceId, key: &str, path: &str) -> Guard<DatasetRecord> {
    dataset_guard_for(workspace, key, path, RETENTION_DEFAULT)
}

/// A guard whose key is forgotten after so long.
pub(crate) fn dataset_guard_for(
    workspace: WorkspaceId,
    key: &str,
    path: &str,
    retention: Duration,
) -> Guard<DatasetRecord> {
    keyed_for(workspace, key, path, retention).answering(|record: &DatasetRecord| {
        let body = format!("{} {}", record.id, record.status);
        StoredResponse::new(201, [("location", record.id.to_string())], body.into_bytes())
    })
}

pub(crate) fn run_guard(workspace: WorkspaceId, key: &str) -> Guard<ReconciliationRecord> {
    keyed(workspace, key, "/v1/reconciliations").answering(|record: &ReconciliationRecord| {
        StoredResponse::new(202, [("location", record.id.to_string())], Vec::new())
    })
}

pub(crate) fn fresh<T>(outcome: ClaimOutcome<T>) -> T {
    match outcome {
        ClaimOutcome::Fresh { value, .. } => value,
        ClaimOutcome::Replay { .. } => panic!("replayed"),
        ClaimOutcome::InFlight { .. } => panic!("in flight"),
        ClaimOutcome::Mismatch => panic!("mismatch"),
    }
}

/// The answer of a replay.
pub(crate) fn replayed<T>(outcome: ClaimOutcome<T>) -> StoredResponse {
    match outcome {
        ClaimOutcome::Replay { response, .. } => response,
        ClaimOutcome::Fresh { .. } => panic!("ran again"),
        ClaimOutcome::InFlight { .. } => panic!("in flight"),
        ClaimOutcome::Mismatch => panic!("mismatch"),
    }
}

pub(crate) fn content() -> DatasetContent {
    DatasetContent {
        object: "datasets/x/1.parquet".to_owned(),
        rows: 7,
        rejected: 1,
        rejected_samples: json(r#"[{"line":3,"reason":"too few cells"}]"#),
        columns: json(r#"[{"name":"amount"}]"#),
        dialect: json(r#"{"format":"csv"}"#),
    }
}

pub(crate) fn published() -> Published {
    Published {
        summary: json(r#"{"left":{"rows":1}}"#),
        digest: "v1:00".to_owned(),
        matches_object: "m".to_owned(),
    }
}

pub(crate) fn a_break(reconciliation: ReconciliationId, side: Side, row: u32, kind: BreakKind) -> NewBreak {
    let body = json(&format!(r#"{{"row":{row}}}"#));
    NewBreak { id: BreakId::derive(reconciliation, side, row), side, row, kind, body }
}

pub(crate) fn password_hash() -> PasswordHash {
    hash(&NewPassword::new("correct horse".to_owned()).unwrap()).unwrap()
}

impl Bench {
    pub(crate) fn next_uuid(&self) -> Uuid {
        uuid(self.ids.fetch_add(1, Ordering::SeqCst))
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_micros(self.time.load(Ordering::SeqCst))
    }

    /// Moves the clock.
    pub(crate) fn pass(&self, time: Duration) {
        self.time.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Another store on the same clock.
    pub(crate) fn store_of(&self, config: &StoreConfig) -> Store {
        Store::open_with_clock(config, clock(&self.time))
    }

    /// Closes every connection and opens the same store again, as a restarted process does.
    pub(crate) async fn restart(mut self) -> Self {
        self.store.close().await;
        self.store = Store::open_with_clock(&self.config, clock(&self.time));
        self
    }

    /// A new installation that was given this one's folder of objects.
    pub(crate) async fn beside(&self, database: &str) -> Store {
        let store = self.new_beside(database, &self.folder.path().join("objects")).await;
        store.migrate().await.unwrap();
        store
    }

    /// A new database that nobody migrated yet, with its objects in this folder.
    pub(crate) async fn new_beside(&self, database: &str, objects: &Path) -> Store {
        let database = match &self.config.database {
            DatabaseUrl::Sqlite(_) => DatabaseUrl::Sqlite(self.folder.path().join(database)),
            DatabaseUrl::Postgres(_) => DatabaseUrl::parse(&new_database(None).await).unwrap(),
        };
        let objects = ObjectUrl::Folder(objects.to_owned());
        Store::open_with_clock(&StoreConfig { database, objects, ..self.config.clone() }, clock(&self.time))
    }

    /// What another process finds after this one was killed: the files as they lie, or the database, with every connection
    /// still open.
    pub(crate) fn killed(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = match &self.config.database {
            DatabaseUrl::Sqlite(_) => {
                for file in ["recon.db", "recon.db-wal"] {
                    std::fs::copy(self.folder.path().join(file), folder.path().join(file)).unwrap();
                }
                StoreConfig::in_folder(folder.path())
            }
            DatabaseUrl::Postgres(_) => self.config.clone(),
        };
        let store = Store::open_with_clock(&config, clock(&self.time));
        let (time, ids) = (Arc::clone(&self.time), AtomicU64::new(10_000));
        Self { store, workspace: self.workspace, stranger: self.stranger, config, time, ids, folder }
    }

    pub(crate) fn new_dataset(&self, name: &str) -> NewDataset {
        NewDataset {
            id: DatasetId::from_uuid(self.next_uuid()),
            name: name.to_owned(),
            format: "auto".to_owned(),
            options: json("{}"),
        }
    }

    pub(crate) fn new_user(&self, email: &str) -> NewUser {
        NewUser {
            id: UserId::from_uuid(self.next_uuid()),
            email: email.parse::<Email>().unwrap(),
            role: UserRole::Preparer,
            password_hash: password_hash(),
            session_tag: Tag::random().unwrap(),
        }
    }

    /// A dataset that awaits its upload.
    pub(crate) async fn dataset(&self, workspace: WorkspaceId) -> DatasetId {
        let new = self.new_dataset("bank");
        let guard = dataset_guard(workspace, &format!("create-{}", new.id), "/v1/datasets");
        fresh(self.store.datasets().create(workspace, guard, new).await.unwrap()).id
    }

    /// Attaches an upload; its hash tells it from others.
    pub(crate) async fn attach(&self, workspace: WorkspaceId, id: DatasetId, sha256: &str) -> Upload {
        let object = self.store.datasets().begin_upload(workspace, id).await.unwrap().unwrap();
        let upload = Upload::hashed(object, sha256.to_owned(), 3);
        self.store.datasets().attach_upload(workspace, id, upload.clone()).await.unwrap().unwrap();
        upload
    }

    /// A dataset whose ingest is queued.
    pub(crate) async fn ingesting(&self, workspace: WorkspaceId) -> DatasetId {
        let id = self.dataset(workspace).await;
        self.attach(workspace, id, "aa").await;
        let guard = dataset_guard(workspace, &format!("complete-{id}"), "/complete");
        let completed = self.store.datasets().complete(workspace, id, guard, None).await.unwrap().unwrap();
        fresh(completed);
        id
    }

    /// A dataset that is ready.
    pub(crate) async fn ready(&self, workspace: WorkspaceId) -> DatasetId {
        let id = self.ingesting(workspace).await;
        let lease = self.lease(JobKind::Ingest).await;
        self.store.datasets().finish_ingest(&lease, IngestResult::Ready(content())).await.unwrap();
        id
    }

    /// A reconciliation whose run is queued.
    pub(crate) async fn queued(&self, workspace: WorkspaceId) -> ReconciliationId {
        let (left, right) = (self.ready(workspace).await, self.ready(workspace).await);
        let new = self.new_run(left, right);
        let guard = run_guard(workspace, &format!("run-{}", new.id));
        fresh(self.store.reconciliations().create(workspace, guard, new).await.unwrap()).id
    }

    pub(crate) fn new_run(&self, left: DatasetId, right: DatasetId) -> NewReconciliation {
        NewReconciliation {
            id: ReconciliationId::from_uuid(self.next_uuid()),
            name: "march".to_owned(),
            left,
            right,
            rules: json(r#"{"passes":[]}"#),
        }
    }

    /// The next job of this kind, which must be there.
    pub(crate) async fn lease(&self, kind: JobKind) -> Lease {
        self.store.jobs().lease(&[kind], "worker").await.unwrap().unwrap()
    }

    pub(crate) async fn run(&self, id: ReconciliationId) -> ReconciliationRecord {
        self.store.reconciliations().get(self.workspace, id).await.unwrap().unwrap()
    }

    pub(crate) async fn find_dataset(&self, id: DatasetId) -> DatasetRecord {
        self.store.datasets().get(self.workspace, id).await.unwrap().unwrap()
    }

    /// Writes an object of a few bytes.
    pub(crate) async fn put(&self, name: &str) {
        let file = self.folder.path().join("object");
        std::fs::write(&file, "bytes").unwrap();
        self.store.objects().put_file(name, &file).await.unwrap();
    }

    /// The file of an object.
    pub(crate) fn object_file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("objects").join(name)
    }

    /// How many connections rest inside of a transaction, where the database tells.
    pub(crate) async fn left_in_transactions(&self) -> i64 {
        match &self.config.database {
            DatabaseUrl::Sqlite(_) => 0,
            DatabaseUrl::Postgres(_) => {
                let mut connection = PgConnection::connect(&direct(&self.config.database)).await.unwrap();
                let count = "select count(*) from pg_stat_activity
                    where datname = current_database() and state like 'idle in transaction%'";
                sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap()
            }
        }
    }

    /// Forgets where the objects are, as a database of an earlier version does not know it.
    pub(crate) async fn untie(&self) {
        self.execute("delete from sweep_places").await;
    }

    /// Runs a statement of a test's own.
    pub(crate) async fn execute(&self, sql: &'static str) {
        let url = direct(&self.config.database);
        match &self.config.database {
            DatabaseUrl::Sqlite(_) => {
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            }
            DatabaseUrl::Postgres(_) => {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            }
        }
    }

    /// How many breaks are stored under each attempt, whether a client sees them or not.
    pub(crate) async fn stored_breaks(&self, id: ReconciliationId) -> Vec<(u32, u32)> {
        const COUNT: &str = "select attempt, count(*) from breaks where reconciliation = $1 group by attempt order by attempt";
        let url = direct(&self.config.database);
        let counted: Vec<(i64, i64)> = match &self.config.database {
            DatabaseUrl::Sqlite(_) => {
                let mut connection = SqliteConnection::connect(&url).await.unwrap();
                sqlx::query_as(COUNT).bind(id.uuid()).fetch_all(&mut connection).await.unwrap()
            }
            DatabaseUrl::Postgres(_) => {
                let mut connection = PgConnection::connect(&url).await.unwrap();
                sqlx::query_as(COUNT).bind(id.uuid()).fetch_all(&mut connection).await.unwrap()
            }
        };
        let small = |number| u32::try_from(number).unwrap();
        counted.into_iter().map(|(attempt, breaks)| (small(attempt), small(breaks))).collect()
    }
}
