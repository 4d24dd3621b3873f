//! The same over a pooler that gives a connection to another client after each transaction, and does not carry prepared
//! statements over, as PgBouncer before 1.21: no statement has a name here, and each verb needs an open transaction, those that
//! read as well.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::{PgConnection, PgPool};

use super::statements::{self, PURGE};
use super::table;
use crate::metrics::StoreKind;
use crate::sql::{self, Bind, Read, Table, pooled, verbs};
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
pooled!(
    PgPool, Unnamed<'_>, "begin isolation level read committed", StoreKind::Postgres,
    tx => &mut Unnamed::new(&mut tx)
);

impl Store {
    async fn read_held(&self, request: &Unanswered) -> Result<Option<Held>, Error> {
        let request = request.clone();
        self.write(move |tx| async move { look_up(tx, &request).await }.boxed()).await
    }

    async fn read_entry(&self, scope: &Scope, key: &IdempotencyKey) -> Result<Option<Entry>, Error> {
        let (scope, key) = (*scope, key.clone());
        self.write(move |tx| async move { find(tx, &scope, &key).await }.boxed()).await
    }
}
