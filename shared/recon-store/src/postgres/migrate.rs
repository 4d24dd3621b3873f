//! The schema: its one sequence of migrations, and whether a database has it.

use futures_util::FutureExt;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection as _, PgConnection, SqlSafeStr};

use crate::config::PostgresUrl;
use crate::database::Database;
use crate::installation::IS_NEW;
use crate::schema::{Found, judge};
use crate::sql::{Connection, query};
use crate::{Error, Migrated, Schema};

/// The schema that this build brings and needs.
const SCHEMA_VERSION: u32 = 5;
/// The oldest build whose statements still work on this schema. Raise it only when a migration takes something away.
const MIN_COMPATIBLE: u32 = 1;

/// Whoever migrates holds this lock until it is done: `recon mi` in ASCII.
const LOCK: &str = "-- migrate_lock\nselect pg_advisory_xact_lock(8243104023211699561)";
/// A migration may take its time, and whoever else migrates waits for it. Behind a pooler the connection is another
/// client's afterwards, so that the settings are the transaction's.
const LIMITS: &str = "set local statement_timeout = 0; set local lock_timeout = 0;
    set local idle_in_transaction_session_timeout = 0; set local client_min_messages = warning";
/// Nothing may stay prepared there either, and nothing be left of a migration that was cut off.
const FORGET: &str = "deallocate all";
/// It does not keep everybody else waiting for the lock of a table that it does not get.
const TABLE_LIMIT: &str = "set local lock_timeout = '10s'";

/// Every migration, in order. One that was released never changes; `Migrator` compares their checksums.
fn sequence() -> Migrator {
    let steps: [(i64, &'static str, &'static str); SCHEMA_VERSION as usize] = [
        (1, "records", include_str!("../../migrations/postgres/0001_records.sql")),
        (2, "sessions", recon_session::postgres::MIGRATION),
        (3, "idempotency keys", recon_idempotency::postgres::MIGRATION),
        (4, "idempotency keys checked by a function", recon_idempotency::postgres::MIGRATION_CHECK),
        (5, "uploads are pinned", include_str!("../../migrations/postgres/0005_uploads_are_pinned.sql")),
    ];
    let migrations = steps.map(|(version, what, sql)| {
        Migration::new(version, what.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.into());
    // Its own lock is the session's, which a pooler of transactions has not; ours ends with the transaction.
    migrator.set_locking(false);
    migrator
}

/// Whether the database has the schema that this build needs.
pub(crate) async fn check(database: &Database) -> Result<Schema, Error> {
    let found = database.snapshot("schema_check", (), |(), tx| found(tx).boxed()).await?;
    Ok(judge(found, SCHEMA_VERSION))
}

/// Brings the database to this build's schema, all of it or nothing. Several processes may do it at once: one does.
pub(crate) async fn migrate(url: &PostgresUrl) -> Result<Migrated, Error> {
    let failed = Error::doing("migrate");
    let mut connection = PgConnection::connect_with(&url.options()).await.map_err(&failed)?;
    let mut tx = connection.begin().await.map_err(&failed)?;
    let migrated = migrate_in(&mut tx).await;
    // In the transaction, so that it is the same connection of the pooler; where that fails, so has the transaction.
    if url.is_pooled() && migrated.is_ok() {
        sqlx::raw_sql(FORGET).execute(&mut *tx).await.map_err(&failed)?;
    }
    match migrated {
        Ok(_) => tx.commit().await.map_err(&failed)?,
        // What is not committed is rolled back when the connection closes.
        Err(_) => _ = tx.rollback().await,
    }
    connection.close().await.map_err(&failed)?;
    migrated
}

async fn migrate_in(tx: &mut PgConnection) -> Result<Migrated, Error> {
    let failed = Error::doing("migrate");
    sqlx::raw_sql(LIMITS).execute(&mut *tx).await.map_err(&failed)?;
    sqlx::raw_sql(FORGET).execute(&mut *tx).await.map_err(&failed)?;
    sqlx::raw_sql(LOCK).execute(&mut *tx).await.map_err(&failed)?;
    sqlx::raw_sql(TABLE_LIMIT).execute(&mut *tx).await.map_err(&failed)?;
    let before = found(&mut Connection::Postgres(&mut *tx)).await?;
    if let Schema::Newer { found, .. } = judge(before, SCHEMA_VERSION) {
        return Err(Error::SchemaNewer { found, known: SCHEMA_VERSION });
    }
    let from = before.map_or(0, |found| found.version);
    if from < SCHEMA_VERSION {
        sequence().run_direct(None, &mut *tx, false).await.map_err(Error::Migration)?;
        sqlx::query(
            "-- schema_version_set
            insert into schema_version (only_row, version, min_compatible) values (1, $1, $2)
            on conflict (only_row) do update set version = excluded.version, min_compatible = excluded.min_compatible",
        )
        .bind(i64::from(SCHEMA_VERSION))
        .bind(i64::from(MIN_COMPATIBLE))
        .execute(&mut *tx)
        .await
        .map_err(&failed)?;
        if from == 0 {
            sqlx::query(IS_NEW).execute(&mut *tx).await.map_err(&failed)?;
        }
    }
    Ok(Migrated { from, to: from.max(SCHEMA_VERSION), backup: None })
}

/// What the database says about its schema; `None` if it has none.
async fn found(connection: &mut Connection<'_>) -> Result<Option<Found>, Error> {
    let failed = Error::doing("schema_version_get");
    let is_there: bool = query("-- schema_version_table\nselect to_regclass('schema_version') is not null")
        .scalar_optional(&mut *connection)
        .await
        .map_err(&failed)?
        .unwrap_or(false);
    if !is_there {
        return Ok(None);
    }
    let row: Option<(i64, i64)> =
        query("-- schema_version_get\nselect version, min_compatible from schema_version")
            .fetch_optional(connection)
            .await
            .map_err(&failed)?;
    row.map(Found::try_from).transpose()
}
