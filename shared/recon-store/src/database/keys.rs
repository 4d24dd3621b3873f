//! Effects at most once for their keys.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use recon_idempotency::{ClaimOutcome, Entry, Guard, IdempotencyKey, Scope};
use tracing::Instrument;

use super::{Database, Refusal, joined};
use crate::Error;
#[cfg(feature = "cluster")]
use crate::postgres;
use crate::sql::{Connection, Query};

impl Database {
    /// Runs an effect at most once for its key, in one transaction with the key and the answer.
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
        if let Some(held) = self.look_up(&guard).await? {
            return Ok(held);
        }
        let shared = Arc::new((input, effect));
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

    /// The same in one statement, where the database has such: for effects whose answer is known before they run. `None`
    /// where it has not, and where the effect may not run, which [`guarded`](Self::guarded) then says why.
    pub(crate) async fn at_once<T: Clone>(
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
            Self::Postgres(_) => {
                let claim = recon_idempotency::postgres::CompletedClaim::new(guard, value)?;
                let (arguments, database) = (claim.arguments(), self.clone());
                let detached = async move {
                    let run = async { Ok::<_, Error>(statement.exists_after(arguments, &database).await) };
                    database.in_time(doing, run).await
                };
                let ran = joined(doing, tokio::spawn(detached.instrument(tracing::Span::current())).await)?;
                match ran.map_err(recon_idempotency::Error::from) {
                    Ok(true) => Ok(Some(claim.ran(value.clone()))),
                    Ok(false) => self.look_up(guard).await,
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
            Self::Postgres(server) => {
                let mut reader = server.pool().acquire().await.map_err(Error::doing(DOING))?;
                recon_idempotency::postgres::look_up(&mut reader, guard.request()).await?
            }
        };
        Ok(held.map(ClaimOutcome::from))
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
            Self::Postgres(server) => {
                let mut reader = server.pool().acquire().await.map_err(Error::doing(DOING))?;
                recon_idempotency::postgres::find(&mut reader, scope, key).await?
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
                async move { run(&shared, &mut Connection::Postgres(connection)).await }.boxed()
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

async fn run<I, T, E, F>(shared: &(I, F), tx: &mut Connection<'_>) -> Result<T, Kept<E>>
where
    F: for<'a> Fn(&'a I, &'a mut Connection<'_>) -> BoxFuture<'a, Result<T, E>>,
{
    let (input, effect) = shared;
    effect(input, tx).await.map_err(Kept)
}
