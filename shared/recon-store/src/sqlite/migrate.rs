//! The schema: its one sequence of migrations, and whether a file has it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, SqlSafeStr, SqliteConnection};
use tokio::time::Instant;

use super::pools::{Pools, writing};
use crate::installation::IS_NEW;
use crate::schema::{Found, judge};
use crate::{Error, Migrated, Schema};

/// The schema that this build brings and needs.
const SCHEMA_VERSION: u32 = 17;
/// The oldest build whose statements still work on this schema. Raise it only when a migration takes something away.
const MIN_COMPATIBLE: u32 = 1;

/// How long a migration asks again while the file is busy, and how often.
const BUSY_MAX: Duration = Duration::from_secs(10);
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// Every migration, in order. One that was released never changes; `Migrator` compares their checksums.
fn sequence() -> Migrator {
    let steps: [(i64, &'static str, &'static str); SCHEMA_VERSION as usize] = [
        (1, "schema version", include_str!("../../migrations/sqlite/0001_schema_version.sql")),
        (2, "workspaces", include_str!("../../migrations/sqlite/0002_workspaces.sql")),
        (3, "users", include_str!("../../migrations/sqlite/0003_users.sql")),
        (4, "sessions", recon_session::sqlite::MIGRATION),
        (5, "idempotency keys", recon_idempotency::sqlite::MIGRATION),
        (6, "datasets", include_str!("../../migrations/sqlite/0006_datasets.sql")),
        (7, "jobs", include_str!("../../migrations/sqlite/0007_jobs.sql")),
        (8, "reconciliations", include_str!("../../migrations/sqlite/0008_reconciliations.sql")),
        (9, "breaks", include_str!("../../migrations/sqlite/0009_breaks.sql")),
        (
            10,
            "breaks outlive their reconciliation",
            include_str!("../../migrations/sqlite/0010_breaks_outlive_their_reconciliation.sql"),
        ),
        (
            11,
            "reconciliations by status",
            include_str!("../../migrations/sqlite/0011_reconciliations_by_status.sql"),
        ),
        (12, "jobs by subject", include_str!("../../migrations/sqlite/0012_jobs_by_subject.sql")),
        (13, "sessions listing", recon_session::sqlite::MIGRATION_LISTING),
        (14, "uploads may expire", include_str!("../../migrations/sqlite/0014_uploads_may_expire.sql")),
        (15, "sweeping", include_str!("../../migrations/sqlite/0015_sweeping.sql")),
        (16, "uploads are seen", include_str!("../../migrations/sqlite/0016_uploads_are_seen.sql")),
        (17, "uploads are pinned", include_str!("../../migrations/sqlite/0017_uploads_are_pinned.sql")),
    ];
    let migrations = steps.map(|(version, what, sql)| {
        Migration::new(version, what.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.into())
}

/// Whether the file has the schema that this build needs. A file that is not there has none.
pub(crate) async fn check(pools: &Pools) -> Result<Schema, Error> {
    if !exists(pools.file()).await? {
        return Ok(judge(None, SCHEMA_VERSION));
    }
    let mut connection = pools.readers().acquire().await.map_err(Error::doing("schema_check"))?;
    found(&mut connection).await.map(|found| judge(found, SCHEMA_VERSION))
}

/// Brings the file to this build's schema, all of it or nothing, and makes the file if it is not there.
/// An older file is copied first, to `FILE.bak-VERSION`.
///
/// Several processes may do it at once. Where one gives a new file its journal, or another leaves it as the last, SQLite
/// answers that it is busy without waiting; so it is asked again.
pub(crate) async fn migrate(pools: &Pools) -> Result<Migrated, Error> {
    let until = Instant::now() + BUSY_MAX;
    loop {
        match attempt(pools).await {
            Err(error) if error.is_busy() && Instant::now() < until => tokio::time::sleep(BUSY_PAUSE).await,
            done => return done,
        }
    }
}

async fn attempt(pools: &Pools) -> Result<Migrated, Error> {
    let failed = Error::doing("migrate");
    if let Some(folder) = pools.file().parent() {
        tokio::fs::create_dir_all(folder).await.map_err(sqlx::Error::Io).map_err(&failed)?;
    }
    // A table that others refer to can only be made anew while nobody looks at what refers to it; that is looked at
    // before the end.
    let options = writing(pools.file()).create_if_missing(true).foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(&failed)?;
    let before = found(&mut connection).await?;
    if let Schema::Newer { found, .. } = judge(before, SCHEMA_VERSION) {
        return Err(Error::SchemaNewer { found, known: SCHEMA_VERSION });
    }
    let from = before.map_or(0, |found| found.version);
    let backup = match from > 0 && from < SCHEMA_VERSION {
        true => Some(back_up(&mut connection, pools.file(), from).await?),
        false => None,
    };
    if from < SCHEMA_VERSION {
        apply(&mut connection, from == 0).await?;
    }
    connection.close().await.map_err(&failed)?;
    Ok(Migrated { from, to: from.max(SCHEMA_VERSION), backup })
}

/// One transaction around the whole sequence: each migration becomes a savepoint in it, so that a file is never left
/// between two versions, and a second migrating process waits and then finds nothing to do.
async fn apply(connection: &mut SqliteConnection, is_new: bool) -> Result<(), Error> {
    let failed = Error::doing("migrate");
    let mut tx = connection.begin_with("begin immediate").await.map_err(&failed)?;
    sequence().run_direct(None, &mut *tx, false).await.map_err(Error::Migration)?;
    let torn: Option<String> =
        sqlx::query_scalar("-- schema_references\nselect \"table\" from pragma_foreign_key_check() limit 1")
            .fetch_optional(&mut *tx)
            .await
            .map_err(&failed)?;
    if let Some(table) = torn {
        return Err(Error::Torn { table });
    }
    sqlx::query(
        "-- schema_version_set
        insert into schema_version (only_row, version, min_compatible) values (1, ?, ?)
        on conflict (only_row) do update set version = excluded.version, min_compatible = excluded.min_compatible",
    )
    .bind(SCHEMA_VERSION)
    .bind(MIN_COMPATIBLE)
    .execute(&mut *tx)
    .await
    .map_err(&failed)?;
    if is_new {
        sqlx::query(IS_NEW).execute(&mut *tx).await.map_err(&failed)?;
    }
    tx.commit().await.map_err(&failed)
}

/// Copies the file as it stands. The copy has its name only when it is whole.
async fn back_up(connection: &mut SqliteConnection, file: &Path, version: u32) -> Result<PathBuf, Error> {
    let failed = Error::doing("migrate_backup");
    let beside = |ending: String| {
        let mut path = file.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    let (unfinished, finished) = (beside(format!(".bak-{version}.tmp")), beside(format!(".bak-{version}")));
    if exists(&unfinished).await? {
        tokio::fs::remove_file(&unfinished).await.map_err(sqlx::Error::Io).map_err(&failed)?;
    }
    let target = unfinished.to_string_lossy().into_owned();
    sqlx::query("-- migrate_backup\nvacuum into ?")
        .bind(target)
        .execute(connection)
        .await
        .map_err(&failed)?;
    let (from, to) = (unfinished, finished.clone());
    tokio::task::spawn_blocking(move || {
        fs::File::open(&from)?.sync_all().and_then(|()| fs::rename(&from, &to))
    })
    .await
    .map_err(|stopped| Error::Unavailable { doing: "migrate_backup", source: stopped.into() })?
    .map_err(sqlx::Error::Io)
    .map_err(&failed)?;
    Ok(finished)
}

/// What the file says about its schema; `None` if it has none.
async fn found(connection: &mut SqliteConnection) -> Result<Option<Found>, Error> {
    let failed = Error::doing("schema_version_get");
    let table: Option<i64> = sqlx::query_scalar(
        "-- schema_version_table
        select 1 from sqlite_schema where type = 'table' and name = 'schema_version'",
    )
    .fetch_optional(&mut *connection)
    .await
    .map_err(&failed)?;
    if table.is_none() {
        return Ok(None);
    }
    let row: Option<(i64, i64)> =
        sqlx::query_as("-- schema_version_get\nselect version, min_compatible from schema_version")
            .fetch_optional(connection)
            .await
            .map_err(&failed)?;
    row.map(Found::try_from).transpose()
}

async fn exists(file: &Path) -> Result<bool, Error> {
    tokio::fs::try_exists(file).await.map_err(sqlx::Error::Io).map_err(Error::doing("schema_check"))
}
