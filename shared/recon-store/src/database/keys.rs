//! Effects at most once for their keys.

#[cfg(feature = "cluster")]
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use recon_idempotency::metrics::{self, StoreKind};
#[cfg(feature = "cluster")]
use recon_idempotency::postgres::unnamed::{self, Unnamed};
use recon_idempotency::{ClaimOutcome, ClaimStore, Entry, Guard, IdempotencyKey, Scope};
use tokio::time::sleep;
#[cfg(feature = "cluster")]
use tracing::Instrument;

#[cfg(feature = "cluster")]
use super::joined;
use super::{Database, Refusal};
use crate::Error;
#[cfg(feature = "cluster")]
use crate::postgres;
#[cfg(feature = "cluster")]
use crate::sql::query;
use crate::sql::{Connection, Query};

/// How long a request waits before it asks again for its key.
const ASK_PAUSE: Duration = Duration::from_millis(500);

impl Database {
    /// Runs an effect at most once for its key, in one transaction with the key and the answer. While somebody else has the key, it
    /// asks again for as long as the client is ready to wait, and keeps a connection only while it asks.
    pub(crate) async fn guarded<I, T, E, F>(
        &self,
        doing: &'static str,
        guard: Guard<T>,
        input: I,
        effect: F,
    ) -> Result<ClaimOutcome<T>, E>
    where
        I: Send + Sync + 'static,
        T: Send + Sync + 'static,
        E: Refusal,
        F: for<'a> Fn(&'a I, &'a mut Connection<'_>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let shared = Arc::new((input, effect));
        let outcome = loop {
            let outcome = self.run_guarded(doing, guard.clone(), Arc::clone(&shared)).await;
            let left = guard.request().time_to_wait();
            match outcome {
                Ok(ClaimOutcome::InFlight { .. }) if !left.is_zero() => sleep(ASK_PAUSE.min(left)).await,
                outcome => break outcome,
            }
        };
        self.count(outcome.as_ref().map_err(Refusal::of_database));
        outcome
    }

    async fn run_guarded<I, T, E, F>(
        &self,
        doing: &'static str,
        guard: Guard<T>,
        shared: Arc<(I, F)>,
    ) -> Result<ClaimOutcome<T>, E>
    where
        I: Send + Sync + 'static,
        T: Send + Sync + 'static,
        E: Refusal,
        F: for<'a> Fn(&'a I, &'a mut Connection<'_>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        if let Some(held) = self.look_up(&guard).await? {
            return Ok(held);
        }
        let claimed = self.write(doing, (guard, shared), |(guard, shared), tx| {
            let shared = Arc::clone(shared);
            claim(tx, guard, shared).boxed()
        });
        match claimed.await {
            Err(refusal) => match refusal.of_database() {
                Some(Error::InFlight { retry_after }) => {
                    Ok(ClaimOutcome::InFlight { retry_after: *retry_after })
                }
                _ => Err(refusal),
            },
            outcome => outcome,
        }
    }

    /// The same in one statement, replays as well, where the database has such: for effects whose answer is known before
    /// they run. `None` where it has not, and where the statement leaves it to [`guarded`](Self::guarded): a key that
    /// expired or whose lease has ended, one that its client may wait for, and an effect that may not run, which that one says why.
    pub(crate) async fn at_once<T: Clone>(
        &self,
        doing: &'static str,
        guard: &Guard<T>,
        value: &T,
        statement: Query,
    ) -> Result<Option<ClaimOutcome<T>>, Error> {
        if guard.request().wait_until.is_some() {
            return Ok(None);
        }
        let outcome = self.run_at_once(doing, guard, value, statement).await;
        match &outcome {
            Ok(Some(outcome)) => self.count(Ok(outcome)),
            Ok(None) => {}
            Err(error) => self.count::<T>(Err(Some(error))),
        }
        outcome
    }

    async fn run_at_once<T: Clone>(
        &self,
        doing: &'static str,
        guard: &Guard<T>,
        value: &T,
        statement: Query,
    ) -> Result<Option<ClaimOutcome<T>>, Error> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(_) => {
                _ = (doing, guard, value, statement);
                Ok(None)
            }
            #[cfg(feature = "cluster")]
            Self::Postgres(server) => {
                let claim = recon_idempotency::postgres::CompletedClaim::new(guard, value)?;
                let (arguments, database, server) = (claim.arguments(), self.clone(), Arc::clone(server));
                let detached = async move {
                    let run = async {
                        fail::fail_point!(&format!("{doing}-before-commit"));
                        let ran = statement.row_after(arguments, &server).await;
                        fail::fail_point!(&format!("{doing}-after-commit"));
                        Ok::<_, Error>(ran)
                    };
                    database.in_time(doing, run).await
                };
                let ran = joined(doing, tokio::spawn(detached.instrument(tracing::Span::current())).await)?;
                match ran.map_err(recon_idempotency::Error::from) {
                    Ok(row) => Ok(claim.outcome(guard, value.clone(), &row)?),
                    Err(recon_idempotency::Error::InFlight { retry_after }) => {
                        Ok(Some(ClaimOutcome::InFlight { retry_after }))
                    }
                    // What the effect stands on went away meanwhile.
                    Err(recon_idempotency::Error::Database(error)) if postgres::was_overtaken(&error) => {
                        Ok(None)
                    }
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    /// Where the keys of effects in this database are.
    pub(crate) fn key_store(&self) -> StoreKind {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(_) => StoreKind::Sqlite,
            #[cfg(feature = "cluster")]
            Self::Postgres(_) => StoreKind::Postgres,
        }
    }

    /// Counts what a request with a key came to, once, when its transaction has ended. A refusal that says something of
    /// the records and nothing of the database is none of these.
    fn count<T>(&self, ended: Result<&ClaimOutcome<T>, Option<&Error>>) {
        match ended {
            Ok(outcome) => metrics::outcome(self.key_store(), outcome),
            Err(Some(
                // An answer that must not be kept, and no random numbers, are no failures of the database either.
                Error::Idempotency(
                    recon_idempotency::Error::Unstorable(_) | recon_idempotency::Error::Random(_),
                ),
            )) => {}
            Err(Some(
                Error::Unavailable { .. }
                | Error::Database { .. }
                | Error::Panicked { .. }
                | Error::Idempotency(_),
            )) => metrics::failure(self.key_store()),
            Err(_) => {}
        }
    }

    /// What a request gets whose key is held already: a replay is one read and takes no lock. `None` when the request
    /// has to run, which only its transaction decides for good.
    async fn look_up<T>(&self, guard: &Guard<T>) -> Result<Option<ClaimOutcome<T>>, Error> {
        const DOING: &str = "idempotency_key";
        let held = match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(pools) => {
                let mut reader = pools.readers().acquire().await.map_err(Error::doing(DOING))?;
                recon_idempotency::sqlite::look_up(&mut reader, guard.request()).await?
            }
            #[cfg(feature = "cluster")]
            Self::Postgres(server) if server.is_pooled() => {
                let request = guard.request().clone();
                self.snapshot(DOING, request, |request, tx| {
                    let Connection::Pooled(tx) = tx else { return ready(Ok(None)).boxed() };
                    async move { Ok(unnamed::look_up(tx, request).await?) }.boxed()
                })
                .boxed()
                .await?
            }
            #[cfg(feature = "cluster")]
            Self::Postgres(server) => {
                let read = async {
                    let mut reader = server.pool().acquire().await.map_err(Error::doing(DOING))?;
                    Ok::<_, Error>(recon_idempotency::postgres::look_up(&mut reader, guard.request()).await?)
                };
                self.in_time(DOING, read.boxed()).await?
            }
        };
        Ok(held.map(ClaimOutcome::from))
    }

    /// Claims for what has its effect elsewhere.
    pub(crate) fn claims(&self) -> Arc<dyn ClaimStore> {
        match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(pools) => Arc::new(recon_idempotency::sqlite::Store::new(pools.writer().clone())),
            #[cfg(feature = "cluster")]
            Self::Postgres(server) if server.is_pooled() => {
                Arc::new(unnamed::Store::new(server.pool().clone()).begin_with(postgres::POOLED_BEGIN))
            }
            #[cfg(feature = "cluster")]
            Self::Postgres(server) => {
                Arc::new(recon_idempotency::postgres::Store::new(server.pool().clone()))
            }
        }
    }

    /// What became of a key.
    pub(crate) async fn find_key(&self, scope: &Scope, key: &IdempotencyKey) -> Result<Option<Entry>, Error> {
        const DOING: &str = "idempotency_key_find";
        Ok(match self {
            #[cfg(feature = "embedded")]
            Self::Sqlite(pools) => {
                let mut reader = pools.readers().acquire().await.map_err(Error::doing(DOING))?;
                recon_idempotency::sqlite::find(&mut reader, scope, key).await?
            }
            #[cfg(feature = "cluster")]
            Self::Postgres(server) if server.is_pooled() => {
                self.snapshot(DOING, (*scope, key.clone()), |(scope, key), tx| {
                    let Connection::Pooled(tx) = tx else { return ready(Ok(None)).boxed() };
                    async move { Ok(unnamed::find(tx, scope, key).await?) }.boxed()
                })
                .boxed()
                .await?
            }
            #[cfg(feature = "cluster")]
            Self::Postgres(server) => {
                let read = async {
                    let mut reader = server.pool().acquire().await.map_err(Error::doing(DOING))?;
                    Ok::<_, Error>(recon_idempotency::postgres::find(&mut reader, scope, key).await?)
                };
                self.in_time(DOING, read.boxed()).await?
            }
        })
    }
}

/// The effect of a key, its answer and its claim in the caller's transaction.
async fn claim<I, T, E, F>(
    tx: &mut Connection<'_>,
    guard: &Guard<T>,
    shared: Arc<(I, F)>,
) -> Result<ClaimOutcome<T>, E>
where
    I: Send + Sync + 'static,
    T: Send + Sync + 'static,
    E: Refusal,
    F: for<'a> Fn(&'a I, &'a mut Connection<'_>) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
{
    #[cfg(feature = "cluster")]
    let waits = guard.request().wait_until.is_some();
    #[cfg(feature = "cluster")]
    if waits {
        limit_locks(tx, BRIEF_LOCKS).await?;
    }
    let claimed = match tx {
        #[cfg(feature = "embedded")]
        Connection::Sqlite(connection) => {
            recon_idempotency::sqlite::guarded(connection, guard, |connection| {
                async move { run(&shared, &mut Connection::Sqlite(connection)).await }.boxed()
            })
            .await
        }
        #[cfg(feature = "cluster")]
        Connection::Postgres(connection) => {
            recon_idempotency::postgres::guarded(connection, guard, |connection| {
                async move { run_on_postgres(&shared, &mut Connection::Postgres(connection), waits).await }
                    .boxed()
            })
            .await
        }
        #[cfg(feature = "cluster")]
        Connection::Pooled(connection) => {
            unnamed::guarded(connection, guard, |connection| {
                let connection = Unnamed::new(connection.connection());
                async move { run_on_postgres(&shared, &mut Connection::Pooled(connection), waits).await }
                    .boxed()
            })
            .await
        }
    };
    claimed.map_err(|Kept(refusal)| refusal)
}

/// A refusal on its way through the library of keys, whose own errors become the database's.
struct Kept<E>(E);

impl<E: Refusal, L: Into<Error>> From<L> for Kept<E> {
    fn from(error: L) -> Self {
        Self(E::from(error.into()))
    }
}

/// How long a request that waits for its key lets a transaction wait for it: it comes again.
#[cfg(feature = "cluster")]
const BRIEF_LOCKS: &str = "set local lock_timeout = '10ms'";
/// How long any other statement waits for a lock.
#[cfg(feature = "cluster")]
const LOCKS: &str = "set local lock_timeout = '3s'";

#[cfg(feature = "cluster")]
async fn limit_locks(tx: &mut Connection<'_>, limit: &'static str) -> Result<(), Error> {
    match tx {
        #[cfg(feature = "embedded")]
        Connection::Sqlite(_) => Ok(()),
        tx => query(limit).execute(tx).await.map(drop).map_err(Error::doing("idempotency_key")),
    }
}

#[cfg(feature = "cluster")]
async fn run_on_postgres<I, T, E, F>(
    shared: &(I, F),
    tx: &mut Connection<'_>,
    waited: bool,
) -> Result<T, Kept<E>>
where
    E: Refusal,
    F: for<'a> Fn(&'a I, &'a mut Connection<'_>) -> BoxFuture<'a, Result<T, E>>,
{
    if waited {
        limit_locks(tx, LOCKS).await?;
    }
    run(shared, tx).await
}

async fn run<I, T, E, F>(shared: &(I, F), tx: &mut Connection<'_>) -> Result<T, Kept<E>>
where
    F: for<'a> Fn(&'a I, &'a mut Connection<'_>) -> BoxFuture<'a, Result<T, E>>,
{
    let (input, effect) = shared;
    effect(input, tx).await.map_err(Kept)
}
