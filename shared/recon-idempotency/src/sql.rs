//! Keys in a table: what SQLite and PostgreSQL have in common.

mod pool;
mod row;
mod statement;
mod verb;

pub(crate) use pool::{Bounds, in_transaction, pooled, read_anywhere};
#[cfg(feature = "postgres")]
pub(crate) use row::AnswerColumns;
pub(crate) use row::Row;
pub(crate) use statement::{Bind, columns};
pub(crate) use verb::{claim, complete, extend, find, guarded, look_up, purge_expired, release, verbs};

use crate::found::Found;
use crate::{Error, RecordId, StoreTime};

/// A record, and the clock at the time of reading it.
pub(crate) type Read = (Option<Found>, StoreTime);

/// A connection to a database that has the table. All but [`Table::read`] need an open transaction.
pub(crate) trait Table: Send {
    /// Deletes the oldest expired records, at most `$1`.
    const PURGE: &'static str;

    /// Reads, and takes no lock.
    fn read(&mut self, id: RecordId) -> impl Future<Output = Result<Read, Error>> + Send;

    /// Reads what nobody else changes until the transaction ends. The clock is read after that is sure.
    fn lock(&mut self, id: RecordId) -> impl Future<Output = Result<Read, Error>> + Send;

    /// The same where there may be no record: nobody else makes one either. A record that was made for this purpose only
    /// counts as expired.
    fn reserve(&mut self, id: RecordId) -> impl Future<Output = Result<Read, Error>> + Send;

    /// Runs a statement and says how many rows it changed.
    fn execute(
        &mut self,
        statement: &'static str,
        binds: &[Bind<'_>],
    ) -> impl Future<Output = Result<u64, Error>> + Send;
}
