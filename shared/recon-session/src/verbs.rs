//! The verbs in SQL that both databases read.
//!
//! Every write is one statement, so that nothing is left open when a caller's future is dropped.

use futures_util::future::BoxFuture;
use recon_domain::{Instant, SessionId, UserId, UserRole, WorkspaceId};
use sqlx::Row;
use uuid::Uuid;

use super::{DatabaseRow, Pool, execute, fetch_all, fetch_optional, lock_generation};
use crate::backend::{Backend, Moment, Replacement, SessionKey, Update};
use crate::{Attributes, Error, SessionRecord, SessionSeek, Tag, TokenHash};

/// A session alive: `$1` is now, `$2` the time after which it must have been seen.
macro_rules! alive {
    () => {
        "s.expires_at > $1 and s.last_seen_at > $2 and exists (
    select 1 from session_generations g where g.tag = s.tag and g.generation <= s.generation)"
    };
}

/// Named, so that a later version's column is no part of an earlier version's prepared statements.
macro_rules! columns {
    () => {
        "id, tag, token_hash, user_id, workspace_id, role, generation, created_at, authenticated_at,
    last_seen_at, expires_at, attributes, version"
    };
}

const CREATE_GENERATION: &str = "-- session_generations_create
insert into session_generations (tag, generation) values ($1, $2) on conflict (tag) do nothing";

/// The generation is read by the statement that writes the session, so that one which began before
/// a revocation of all and ends after it belongs to the new generation as a whole.
const CREATE: &str = concat!(
    "-- sessions_create
insert into sessions (id, tag, token_hash, user_id, workspace_id, role, generation, created_at, authenticated_at,
    last_seen_at, expires_at, attributes, version)
select $1, g.tag, $3, $4, $5, $6, g.generation, $7, $8, $9, $10, $11, $12 from session_generations g where g.tag = $2",
    lock_generation!(),
    "
returning generation"
);

const LOAD: &str = concat!(
    "-- sessions_load
select ",
    columns!(),
    " from sessions s where s.tag = $3 and s.token_hash = $4 and ",
    alive!()
);

const UPDATE: &str = concat!(
    "-- sessions_update
update sessions as s set attributes = $6, version = version + 1
where s.tag = $3 and s.token_hash = $4 and s.version = $5 and ",
    alive!()
);

const TOUCH: &str = concat!(
    "-- sessions_touch
update sessions as s set last_seen_at = case when last_seen_at < $1 then $1 else last_seen_at end where s.tag = $3 and s.token_hash = $4 and ",
    alive!()
);

const ROTATE: &str = concat!(
    "-- sessions_rotate
update sessions as s set token_hash = $5, role = coalesce($6, role), expires_at = coalesce($7, expires_at),
    authenticated_at = case when $7 is null then authenticated_at else $1 end,
    last_seen_at = case when last_seen_at < $1 then $1 else last_seen_at end, version = version + 1
where s.tag = $3 and s.token_hash = $4 and ",
    alive!(),
    " returning ",
    columns!()
);

const LIST: &str = concat!(
    "-- sessions_list
select ",
    columns!(),
    " from sessions s where s.tag = $3 and ",
    alive!(),
    " and s.id < $5 order by s.id desc limit $4"
);

const REVOKE: &str = "-- sessions_revoke
delete from sessions where tag = $1 and id = $2";

const REVOKE_ALL: &str = "-- sessions_revoke_all
insert into session_generations (tag, generation) values ($1, $2)
on conflict (tag) do update set generation = case
    when session_generations.generation + 1 < excluded.generation then excluded.generation
    else session_generations.generation + 1
end";

const PURGE: &str = "-- sessions_purge
delete from sessions where id in (select id from sessions where expires_at <= $1 or last_seen_at <= $2 limit $3)";

/// Sessions in a database that has the tables of `MIGRATION`.
#[derive(Debug, Clone)]
pub struct SqlSessions {
    read: Pool,
    write: Pool,
}

impl SqlSessions {
    /// Sessions over the caller's pools; the writing one ordinarily has one connection.
    pub(super) const fn over(read: Pool, write: Pool) -> Self {
        Self { read, write }
    }

    async fn insert(&self, record: &SessionRecord) -> Result<u64, Error> {
        let tag = record.tag.to_string();
        let generation = integer(record.generation);
        let query = sqlx::query(CREATE_GENERATION).bind(tag.clone()).bind(generation);
        execute(&self.write, query).await.map_err(failed)?;
        let query = sqlx::query(CREATE)
            .bind(record.id.uuid())
            .bind(tag)
            .bind(record.token_hash.as_bytes().to_vec())
            .bind(record.user.uuid())
            .bind(record.workspace.uuid())
            .bind(record.role.to_string())
            .bind(record.created_at.micros())
            .bind(record.authenticated_at.micros())
            .bind(record.last_seen_at.micros())
            .bind(record.expires_at.micros())
            .bind(record.attributes.to_json())
            .bind(integer(record.version));
        let row = fetch_optional(&self.write, query).await.map_err(|error| match &error {
            sqlx::Error::Database(cause) if cause.is_unique_violation() => Error::Exists,
            _ => failed(error),
        })?;
        let row = row.ok_or_else(|| failed(sqlx::Error::RowNotFound))?;
        counter(&row, "generation")
    }

    async fn find(
        &self,
        pool: &Pool,
        key: SessionKey,
        moment: Moment,
    ) -> Result<Option<SessionRecord>, Error> {
        let query = sqlx::query(LOAD)
            .bind(moment.now.micros())
            .bind(moment.seen_after.micros())
            .bind(key.tag.to_string())
            .bind(key.hash.as_bytes().to_vec());
        let row = fetch_optional(pool, query).await.map_err(failed)?;
        row.as_ref().map(record).transpose()
    }
}

impl Backend for SqlSessions {
    fn create<'a>(&'a self, record: &'a SessionRecord) -> BoxFuture<'a, Result<u64, Error>> {
        Box::pin(self.insert(record))
    }

    fn load(&self, key: SessionKey, moment: Moment) -> BoxFuture<'_, Result<Option<SessionRecord>, Error>> {
        Box::pin(self.find(&self.read, key, moment))
    }

    fn update<'a>(
        &'a self,
        key: SessionKey,
        version: u64,
        attributes: &'a Attributes,
        moment: Moment,
    ) -> BoxFuture<'a, Result<Update, Error>> {
        Box::pin(async move {
            let query = sqlx::query(UPDATE)
                .bind(moment.now.micros())
                .bind(moment.seen_after.micros())
                .bind(key.tag.to_string())
                .bind(key.hash.as_bytes().to_vec())
                .bind(integer(version))
                .bind(attributes.to_json());
            if execute(&self.write, query).await.map_err(failed)? == 1 {
                return Ok(Update::Written);
            }
            // Only which word the caller gets depends on this look; nothing is written after it.
            let found = self.find(&self.write, key, moment).await?;
            Ok(if found.is_some() { Update::Stale } else { Update::Gone })
        })
    }

    fn touch(&self, key: SessionKey, moment: Moment) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move {
            let query = sqlx::query(TOUCH)
                .bind(moment.now.micros())
                .bind(moment.seen_after.micros())
                .bind(key.tag.to_string())
                .bind(key.hash.as_bytes().to_vec());
            Ok(execute(&self.write, query).await.map_err(failed)? == 1)
        })
    }

    fn rotate(
        &self,
        key: SessionKey,
        replacement: Replacement,
        moment: Moment,
    ) -> BoxFuture<'_, Result<Option<SessionRecord>, Error>> {
        Box::pin(async move {
            let query = sqlx::query(ROTATE)
                .bind(moment.now.micros())
                .bind(moment.seen_after.micros())
                .bind(key.tag.to_string())
                .bind(key.hash.as_bytes().to_vec())
                .bind(replacement.hash.as_bytes().to_vec())
                .bind(replacement.role.map(|role| role.to_string()))
                .bind(replacement.expires_at.map(Instant::micros));
            let row = fetch_optional(&self.write, query).await.map_err(failed)?;
            row.as_ref().map(record).transpose()
        })
    }

    fn list(
        &self,
        tag: Tag,
        seek: SessionSeek,
        moment: Moment,
    ) -> BoxFuture<'_, Result<Vec<SessionRecord>, Error>> {
        Box::pin(async move {
            let query = sqlx::query(LIST)
                .bind(moment.now.micros())
                .bind(moment.seen_after.micros())
                .bind(tag.to_string())
                .bind(i64::from(seek.limit))
                .bind(seek.before.map_or(Uuid::max(), SessionId::uuid));
            let rows = fetch_all(&self.read, query).await.map_err(failed)?;
            rows.iter().map(record).collect()
        })
    }

    fn revoke(&self, tag: Tag, id: SessionId) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move {
            let query = sqlx::query(REVOKE).bind(tag.to_string()).bind(id.uuid());
            Ok(execute(&self.write, query).await.map_err(failed)? == 1)
        })
    }

    fn revoke_all(&self, tag: Tag, generation: u64) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let query = sqlx::query(REVOKE_ALL).bind(tag.to_string()).bind(integer(generation));
            execute(&self.write, query).await.map(drop).map_err(failed)
        })
    }

    fn purge_expired(&self, batch: u32, moment: Moment) -> BoxFuture<'_, Result<u64, Error>> {
        Box::pin(async move {
            let query = sqlx::query(PURGE)
                .bind(moment.now.micros())
                .bind(moment.seen_after.micros())
                .bind(i64::from(batch));
            execute(&self.write, query).await.map_err(failed)
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let query = sqlx::query("-- sessions_check\nselect 1 from sessions limit 1");
            fetch_optional(&self.read, query).await.map(drop).map_err(failed)
        })
    }
}

fn record(row: &DatabaseRow) -> Result<SessionRecord, Error> {
    let instant = |column| row.try_get(column).map(Instant::from_micros).map_err(failed);
    let role: String = row.try_get("role").map_err(failed)?;
    let tag: String = row.try_get("tag").map_err(failed)?;
    let attributes: String = row.try_get("attributes").map_err(failed)?;
    Ok(SessionRecord {
        id: SessionId::from_uuid(uuid(row, "id")?),
        tag: tag.parse().map_err(|_| Error::Corrupt { column: "tag" })?,
        token_hash: TokenHash::from_bytes(bytes(row, "token_hash")?),
        user: UserId::from_uuid(uuid(row, "user_id")?),
        workspace: WorkspaceId::from_uuid(uuid(row, "workspace_id")?),
        role: role.parse::<UserRole>().map_err(|_| Error::Corrupt { column: "role" })?,
        generation: counter(row, "generation")?,
        created_at: instant("created_at")?,
        authenticated_at: instant("authenticated_at")?,
        last_seen_at: instant("last_seen_at")?,
        expires_at: instant("expires_at")?,
        attributes: Attributes::from_json(&attributes)?,
        version: counter(row, "version")?,
    })
}

fn bytes<const N: usize>(row: &DatabaseRow, column: &'static str) -> Result<[u8; N], Error> {
    let bytes: &[u8] = row.try_get(column).map_err(failed)?;
    bytes.try_into().map_err(|_| Error::Corrupt { column })
}

fn uuid(row: &DatabaseRow, column: &'static str) -> Result<Uuid, Error> {
    row.try_get(column).map_err(|error| match error {
        sqlx::Error::ColumnDecode { .. } => Error::Corrupt { column },
        error => failed(error),
    })
}

fn counter(row: &DatabaseRow, column: &'static str) -> Result<u64, Error> {
    let counter: i64 = row.try_get(column).map_err(failed)?;
    u64::try_from(counter).map_err(|_| Error::Corrupt { column })
}

/// A counter as databases keep it: none gets as far as 2^63.
fn integer(counter: u64) -> i64 {
    i64::try_from(counter).unwrap_or(i64::MAX)
}

fn failed(error: sqlx::Error) -> Error {
    Error::Unavailable(Box::new(error))
}
