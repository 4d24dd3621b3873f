//! Users.

use futures_util::FutureExt;
use recon_domain::{Instant, UserId, WorkspaceId};
use recon_session::password::PasswordHash;
use sqlx::FromRow;
use uuid::Uuid;

use crate::row::{instant, unreadable, word};
use crate::sql::query;
use crate::{Credentials, Email, Error, NewUser, Profile, UserRecord, Users};

macro_rules! columns {
    () => {
        "u.id, u.workspace, u.email, u.role, u.disabled, u.session_tag, u.sessions_valid_from, u.created_at"
    };
}

const INSERT: &str = "-- user_create
insert into users (id, workspace, email, role, password_hash, session_tag, disabled, sessions_valid_from, created_at)
values ($1, $2, $3, $4, $5, $6, false, $7, $8) on conflict (email) do nothing";

const GET: &str =
    concat!("-- user_get\nselect ", columns!(), " from users u where u.workspace = $1 and u.id = $2");

const PROFILE: &str = concat!(
    "-- user_profile\nselect ",
    columns!(),
    ", w.name as workspace_name from users u join workspaces w on w.id = u.workspace
    where u.workspace = $1 and u.id = $2"
);

const ADMITS: &str = "-- user_admits
select 1 from users where workspace = $1 and id = $2 and not disabled and sessions_valid_from <= $3";

const REVOKE_SESSIONS: &str = "-- user_revoke_sessions
update users set sessions_valid_from = case
    when sessions_valid_from < $1 then $1 else sessions_valid_from end where workspace = $2 and id = $3";

const BY_EMAIL: &str = concat!(
    "-- user_by_email\nselect ",
    columns!(),
    ", u.password_hash, w.name as workspace_name from users u join workspaces w on w.id = u.workspace
    where u.email = $1"
);

#[derive(FromRow)]
struct Row {
    id: Uuid,
    workspace: Uuid,
    email: String,
    role: String,
    disabled: bool,
    session_tag: String,
    sessions_valid_from: i64,
    created_at: i64,
}

#[derive(FromRow)]
struct ProfileRow {
    #[sqlx(flatten)]
    user: Row,
    workspace_name: String,
}

#[derive(FromRow)]
struct CredentialsRow {
    #[sqlx(flatten)]
    user: Row,
    password_hash: String,
    workspace_name: String,
}

impl Users {
    /// Makes a user.
    ///
    /// # Errors
    /// [`Error::EmailTaken`].
    pub async fn create(&self, workspace: WorkspaceId, new: NewUser) -> Result<UserRecord, Error> {
        let input = (workspace, new, self.clock.now());
        self.database
            .write("user_create", input, |(workspace, new, now), tx| {
                async move {
                    let failed = Error::doing("user_create");
                    let insert = query(INSERT)
                        .bind(new.id.uuid())
                        .bind(workspace.uuid())
                        .bind(new.email.as_str())
                        .bind(new.role.as_str())
                        .bind(new.password_hash.as_phc())
                        .bind(new.session_tag.to_string())
                        .bind(now.micros())
                        .bind(now.micros());
                    let inserted = insert.execute(&mut *tx).await.map_err(&failed)?;
                    if inserted == 0 {
                        return Err(Error::EmailTaken);
                    }
                    let row = query(GET).bind(workspace.uuid()).bind(new.id.uuid()).fetch_one(tx);
                    record(row.await.map_err(&failed)?)
                }
                .boxed()
            })
            .await
    }

    /// A user of the workspace.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn get(&self, workspace: WorkspaceId, id: UserId) -> Result<Option<UserRecord>, Error> {
        let query = query(GET).bind(workspace.uuid()).bind(id.uuid());
        let row = query.fetch_optional(self.database.readers()).await.map_err(Error::doing("user_get"))?;
        row.map(record).transpose()
    }

    /// A user of the workspace, with the name of the workspace.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn profile(&self, workspace: WorkspaceId, id: UserId) -> Result<Option<Profile>, Error> {
        let query = query(PROFILE).bind(workspace.uuid()).bind(id.uuid());
        let row: Option<ProfileRow> =
            query.fetch_optional(self.database.readers()).await.map_err(Error::doing("user_profile"))?;
        row.map(|row| Ok(Profile { user: record(row.user)?, workspace_name: row.workspace_name })).transpose()
    }

    /// Whether a session whose user signed in at this time may still be used: the user is there, is not disabled, and
    /// has not revoked the sessions of that time. What a session store says is not enough, since it may have lost a
    /// revocation.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; then nobody may be let in.
    pub async fn admits(
        &self,
        workspace: WorkspaceId,
        id: UserId,
        authenticated_at: Instant,
    ) -> Result<bool, Error> {
        let query = query(ADMITS).bind(workspace.uuid()).bind(id.uuid()).bind(authenticated_at.micros());
        let found = query.exists(self.database.readers()).await.map_err(Error::doing("user_admits"))?;
        Ok(found)
    }

    /// Revokes the sessions of a user that signed in before now, for good; says whether there is such a user.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn revoke_sessions(&self, workspace: WorkspaceId, id: UserId) -> Result<bool, Error> {
        let input = (workspace, id, self.clock.now());
        self.database
            .write("user_revoke_sessions", input, |(workspace, id, now), tx| {
                async move {
                    let update =
                        query(REVOKE_SESSIONS).bind(now.micros()).bind(workspace.uuid()).bind(id.uuid());
                    let updated = update.execute(tx).await.map_err(Error::doing("user_revoke_sessions"))?;
                    Ok::<bool, Error>(updated == 1)
                }
                .boxed()
            })
            .await
    }

    /// What a sign-in needs. Before it nobody knows the workspace: the one read for clients that names none.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn by_email(&self, email: &Email) -> Result<Option<Credentials>, Error> {
        let query = query(BY_EMAIL).bind(email.as_str());
        let row: Option<CredentialsRow> =
            query.fetch_optional(self.database.readers()).await.map_err(Error::doing("user_by_email"))?;
        row.map(|row| {
            Ok(Credentials {
                user: record(row.user)?,
                workspace_name: row.workspace_name,
                password_hash: PasswordHash::parse(row.password_hash)
                    .map_err(|_| unreadable("users.password_hash", "text of another form"))?,
            })
        })
        .transpose()
    }
}

fn record(row: Row) -> Result<UserRecord, Error> {
    Ok(UserRecord {
        id: UserId::from_uuid(row.id),
        workspace: WorkspaceId::from_uuid(row.workspace),
        email: Email::stored(row.email),
        role: word("users.role", &row.role)?,
        disabled: row.disabled,
        session_tag: word("users.session_tag", &row.session_tag)?,
        sessions_valid_from: instant(row.sessions_valid_from),
        created_at: instant(row.created_at),
    })
}
