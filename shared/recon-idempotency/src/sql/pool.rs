//! Claims in a table, each verb in a transaction of its own.

use std::time::Duration;

use futures_util::future::BoxFuture;
use sqlx::{Connection as _, Pool};

use crate::Error;

/// How a verb's transaction begins, and how long it may take, if there is a limit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) begin: &'static str,
    pub(crate) limit: Option<Duration>,
}

/// Runs a verb in a transaction of its own, on a task of its own. What takes longer than the limit is given up, and its
/// connection closed, since nobody knows what is open on it.
pub(crate) async fn in_transaction<DB, T, F>(pool: &Pool<DB>, bounds: Bounds, verb: F) -> Result<T, Error>
where
    DB: sqlx::Database,
    T: Send + 'static,
    F: for<'a> FnOnce(&'a mut DB::Connection) -> BoxFuture<'a, Result<T, Error>> + Send + 'static,
{
    let pool = pool.clone();
    let detached = tokio::spawn(async move {
        let mut connection = pool.acquire().await?;
        let transaction = async {
            let mut tx = connection.begin_with(bounds.begin).await?;
            match verb(&mut tx).await {
                Ok(value) => {
                    tx.commit().await?;
                    Ok(value)
                }
                Err(error) => {
                    // A failed rollback changes nothing: the connection rolls back when it is next used, or closed.
                    _ = tx.rollback().await;
                    Err(error)
                }
            }
        };
        let Some(limit) = bounds.limit else { return transaction.await };
        match tokio::time::timeout(limit, transaction).await {
            Ok(outcome) => outcome,
            Err(elapsed) => {
                connection.close_on_drop();
                Err(Error::Unavailable { source: elapsed.into() })
            }
        }
    });
    detached.await.map_err(|source| Error::Unavailable { source: source.into() })?
}

/// A [`ClaimStore`](crate::ClaimStore) over a module's pool and verbs.
macro_rules! pooled {
    ($pool:ty, $connection:ty, $kind:expr, $tx:ident => $handle:expr) => {
        const KIND: StoreKind = $kind;

        /// Claims for remote effects: each verb is a transaction of its own, on a task of its own, so that a caller that goes away
        /// cannot leave it half done.
        #[derive(Debug, Clone)]
        pub struct Store {
            pool: $pool,
            bounds: Bounds,
        }

        impl Store {
            async fn write<T, F>(&self, verb: F) -> Result<T, Error>
            where
                T: Send + 'static,
                F: for<'a> FnOnce(&'a mut $connection) -> BoxFuture<'a, Result<T, Error>> + Send + 'static,
            {
                in_transaction(&self.pool, self.bounds, move |$tx| async move { verb($handle).await }.boxed())
                    .await
            }
        }

        impl ClaimStore for Store {
            fn claim<'a>(
                &'a self,
                request: &'a Unanswered,
                lease: Duration,
            ) -> BoxFuture<'a, Result<Claimed, Error>> {
                let request = request.clone();
                async move {
                    let claimed =
                        self.write(move |tx| async move { claim(tx, &request, lease).await }.boxed()).await;
                    match claimed {
                        Err(Error::InFlight { retry_after }) => {
                            Ok(Claimed::Held(Held::InFlight { retry_after }))
                        }
                        claimed => claimed,
                    }
                }
                .inspect(|claimed| KIND.claimed(claimed))
                .boxed()
            }

            fn complete<'a>(
                &'a self,
                claim: &'a Claim,
                response: &'a StoredResponse,
            ) -> BoxFuture<'a, Result<Completion, Error>> {
                let (held, response) = (claim.duplicate(), response.clone());
                self.write(move |tx| async move { complete(tx, &held, &response).await }.boxed())
                    .inspect(|completed| KIND.completed(claim, completed))
                    .boxed()
            }

            fn release<'a>(&'a self, claim: &'a Claim) -> BoxFuture<'a, Result<Release, Error>> {
                let claim = claim.duplicate();
                self.write(move |tx| async move { release(tx, &claim).await }.boxed())
                    .inspect(|released| KIND.released(released))
                    .boxed()
            }

            fn extend<'a>(
                &'a self,
                claim: &'a Claim,
                lease: Duration,
            ) -> BoxFuture<'a, Result<Extension, Error>> {
                let claim = claim.duplicate();
                self.write(move |tx| async move { extend(tx, &claim, lease).await }.boxed())
                    .inspect(|extended| KIND.extended(extended))
                    .boxed()
            }

            fn look_up<'a>(&'a self, request: &'a Unanswered) -> BoxFuture<'a, Result<Option<Held>, Error>> {
                self.read_held(request).inspect(|found| KIND.asked(found)).boxed()
            }

            fn find<'a>(
                &'a self,
                scope: &'a Scope,
                key: &'a IdempotencyKey,
            ) -> BoxFuture<'a, Result<Option<Entry>, Error>> {
                self.read_entry(scope, key).inspect(|found| KIND.asked(found)).boxed()
            }

            fn purge_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, Error>> {
                self.write(move |tx| purge_expired(tx, batch).boxed())
                    .inspect(|purged| KIND.asked(purged))
                    .boxed()
            }
        }
    };
}
pub(crate) use pooled;

/// How the [`Store`](crate::ClaimStore) of a module reads: on any connection of its pool.
macro_rules! read_anywhere {
    () => {
        impl Store {
            async fn read_held(&self, request: &Unanswered) -> Result<Option<Held>, Error> {
                look_up(&mut *self.pool.acquire().await?, request).await
            }

            async fn read_entry(&self, scope: &Scope, key: &IdempotencyKey) -> Result<Option<Entry>, Error> {
                find(&mut *self.pool.acquire().await?, scope, key).await
            }
        }
    };
}
pub(crate) use read_anywhere;
