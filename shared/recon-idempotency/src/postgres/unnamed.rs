//! The same over a pooler that gives a connection to another client after each transaction, as PgBouncer does: nothing of the
//! session lasts, so no statement has a name here, and each verb needs an open transaction, those that read as well.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};

use super::statements::{self, PURGE};
use super::{BEGIN, RESPONSE_MAX, response_within, table};
use crate::metrics::StoreKind;
use crate::sql::{self, Bind, Bounds, Read, Table, in_transaction, pooled, verbs};
use crate::{
    Claim, ClaimOutcome, ClaimStore, Claimed, Completion, Entry, Error, Extension, Guard, Held,
    IdempotencyKey, RecordId, Release, Scope, StoredResponse, Unanswered,
};

/// A connection whose statements have no names.
#[derive(Debug)]
pub struct Unnamed<'c>(&'c mut PgConnection);

impl<'c> Unnamed<'c> {
    /// A connection with an open transaction.
    #[must_use]
    pub const fn new(connection: &'c mut PgConnection) -> Self {
        Self(connection)
    }

    /// The connection, for statements that are made with `persistent(false)`.
    #[must_use]
    pub const fn connection(&mut self) -> &mut PgConnection {
        self.0
    }
}

table!(Unnamed<'_>, this => &mut *this.0, false);
verbs!(Unnamed<'_>);
pooled!(PgPool, Unnamed<'_>, StoreKind::Postgres, tx => &mut Unnamed::new(tx));
response_within!();

impl Store {
    /// Over a pool of connections to a database that has the table.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool, bounds: Bounds { begin: BEGIN, limit: Some(RESPONSE_MAX) } }
    }

    /// The same with transactions that begin so, since a setting of the session would be another client's. Such as `begin
    /// isolation level read committed read write; set local statement_timeout = '10s'`: a server that became a replica
    /// refuses to write, and so to answer from what may be over.
    #[must_use]
    pub const fn begin_with(mut self, begin: &'static str) -> Self {
        self.bounds.begin = begin;
        self
    }

    async fn read_held(&self, request: &Unanswered) -> Result<Option<Held>, Error> {
        let request = request.clone();
        self.write(move |tx| async move { look_up(tx, &request).await }.boxed()).await
    }

    async fn read_entry(&self, scope: &Scope, key: &IdempotencyKey) -> Result<Option<Entry>, Error> {
        let (scope, key) = (*scope, key.clone());
        self.write(move |tx| async move { find(tx, &scope, &key).await }.boxed()).await
    }
}
