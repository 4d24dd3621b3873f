//! Sessions in the records' database, given up on where its server does not answer.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use recon_domain::SessionId;
use recon_session::backend::{Backend, Moment, Replacement, SessionKey, Update};
use recon_session::{Attributes, Error, SessionRecord, SessionSeek, Tag};

use super::Database;
#[cfg(feature = "cluster")]
use crate::postgres;

/// Each verb within the time that a server may take for anything.
pub(super) struct SessionsInTime {
    sessions: Arc<dyn Backend>,
    database: Database,
}

impl SessionsInTime {
    pub(super) fn new(sessions: Arc<dyn Backend>, database: Database) -> Self {
        Self { sessions, database }
    }

    fn bounded<'a, T: 'a>(
        &'a self,
        verb: BoxFuture<'a, Result<T, Error>>,
    ) -> BoxFuture<'a, Result<T, Error>> {
        async move {
            let asked = match &self.database {
                #[cfg(feature = "embedded")]
                Database::Sqlite(_) => verb.await,
                #[cfg(feature = "cluster")]
                Database::Postgres(server) => {
                    let silent = || Err(Error::Unavailable(postgres::SILENT.into()));
                    server.in_time(verb).await.unwrap_or_else(silent)
                }
            };
            if let Err(Error::Unavailable(source)) = &asked
                && let Some(source) = source.downcast_ref()
            {
                crate::pool::look_at(source);
            }
            asked
        }
        .boxed()
    }
}

impl fmt::Debug for SessionsInTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sessions.fmt(f)
    }
}

impl Backend for SessionsInTime {
    fn create<'a>(&'a self, record: &'a SessionRecord) -> BoxFuture<'a, Result<u64, Error>> {
        self.bounded(self.sessions.create(record))
    }

    fn load(&self, key: SessionKey, moment: Moment) -> BoxFuture<'_, Result<Option<SessionRecord>, Error>> {
        self.bounded(self.sessions.load(key, moment))
    }

    fn update<'a>(
        &'a self,
        key: SessionKey,
        version: u64,
        attributes: &'a Attributes,
        moment: Moment,
    ) -> BoxFuture<'a, Result<Update, Error>> {
        self.bounded(self.sessions.update(key, version, attributes, moment))
    }

    fn touch(&self, key: SessionKey, moment: Moment) -> BoxFuture<'_, Result<bool, Error>> {
        self.bounded(self.sessions.touch(key, moment))
    }

    fn rotate(
        &self,
        key: SessionKey,
        replacement: Replacement,
        moment: Moment,
    ) -> BoxFuture<'_, Result<Option<SessionRecord>, Error>> {
        self.bounded(self.sessions.rotate(key, replacement, moment))
    }

    fn list(
        &self,
        tag: Tag,
        seek: SessionSeek,
        moment: Moment,
    ) -> BoxFuture<'_, Result<Vec<SessionRecord>, Error>> {
        self.bounded(self.sessions.list(tag, seek, moment))
    }

    fn revoke(&self, tag: Tag, id: SessionId) -> BoxFuture<'_, Result<bool, Error>> {
        self.bounded(self.sessions.revoke(tag, id))
    }

    fn revoke_all(&self, tag: Tag, generation: u64) -> BoxFuture<'_, Result<(), Error>> {
        self.bounded(self.sessions.revoke_all(tag, generation))
    }

    fn purge_expired(&self, batch: u32, moment: Moment) -> BoxFuture<'_, Result<u64, Error>> {
        self.bounded(self.sessions.purge_expired(batch, moment))
    }

    fn check(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.bounded(self.sessions.check())
    }
}
