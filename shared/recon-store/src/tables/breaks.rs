//! Breaks.

use futures_util::FutureExt;
use recon_domain::{BreakId, ReconciliationId, WorkspaceId};
use sqlx::FromRow;
use uuid::Uuid;

use super::leases;
use crate::row::{count, word};
use crate::sql::{Connection, Query, query};
use crate::{
    BREAK_PAGE_BYTES, BREAKS_PER_PAGE_MAX, BreakBatches, BreakFilter, BreakPage, BreakPlace, BreakRecord,
    BreakSeek, Breaks, Error, Json, Lease, NewBreak,
};

/// Rows of one statement: seven values each must stay under SQLite's 32,766 parameters.
const ROWS_PER_INSERT: usize = 500;

/// Which attempt's breaks a client sees; null before anything is published.
const PUBLISHED: &str = "-- break_published_attempt
select published_attempt from reconciliations where workspace = $1 and id = $2";

const SIZES: &str = "-- break_list_sizes
select side, row_number, cast(octet_length(body) as bigint) from breaks where reconciliation = ";

const ROWS: &str = "-- break_list
select id, reconciliation, side, row_number, kind, body, status, version from breaks where reconciliation = ";

const ORDER: &str = " order by side, row_number";

#[derive(FromRow)]
struct Row {
    id: Uuid,
    reconciliation: Uuid,
    side: String,
    row_number: i64,
    kind: String,
    body: String,
    status: String,
    version: i64,
}

impl Breaks {
    /// Adds breaks under the attempt of this lease, where no client sees them before it is published. The same break
    /// again changes nothing. However many they are, each transaction is short: see [`BreakBatches`].
    ///
    /// # Errors
    /// [`Error::LeaseLost`]: nothing of the transaction in which it showed was written.
    pub async fn insert(&self, lease: &Lease, breaks: Vec<NewBreak>) -> Result<(), Error> {
        let id = lease.reconciliation()?;
        for batch in BreakBatches::of(breaks.into_iter().map(Ok)) {
            let batch = batch?;
            self.database
                .write("break_insert", (leases::Held::of(lease), id, batch), |(held, id, batch), tx| {
                    async move {
                        leases::prove(&mut *tx, held).await?;
                        for rows in batch.chunks(ROWS_PER_INSERT) {
                            insert(tx, *id, held.attempt, rows).await?;
                        }
                        Ok::<(), Error>(())
                    }
                    .boxed()
                })
                .await?;
        }
        Ok(())
    }

    /// A page of a reconciliation's published breaks, by side and row; empty before anything is published, `None` if the
    /// workspace has no such reconciliation.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn list(
        &self,
        workspace: WorkspaceId,
        reconciliation: ReconciliationId,
        filter: BreakFilter,
        seek: BreakSeek,
    ) -> Result<Option<BreakPage>, Error> {
        // In one world: where the reconciliation is deleted and its breaks go in between, a page without them would look whole.
        let input = (workspace, reconciliation, filter, seek);
        self.database
            .snapshot("break_list", input, |(workspace, reconciliation, filter, seek), reads| {
                page(reads, *workspace, *reconciliation, *filter, *seek).boxed()
            })
            .await
    }
}

async fn page(
    reads: &mut Connection<'_>,
    workspace: WorkspaceId,
    reconciliation: ReconciliationId,
    filter: BreakFilter,
    seek: BreakSeek,
) -> Result<Option<BreakPage>, Error> {
    let failed = Error::doing("break_list");
    let published = query(PUBLISHED).bind(workspace.uuid()).bind(reconciliation.uuid());
    let found: Option<Option<i64>> = published.scalar_optional(&mut *reads).await.map_err(&failed)?;
    let Some(published) = found else { return Ok(None) };
    let Some(attempt) = published else { return Ok(Some(BreakPage { items: Vec::new(), next: None })) };

    let shown = Shown { reconciliation, attempt, filter };
    let Some(end) = end_of_page(reads, shown, seek).await? else {
        return Ok(Some(BreakPage { items: Vec::new(), next: None }));
    };
    let mut query = shown.select(ROWS, seek.after);
    push_place(&mut query, filter, "<=", end.last);
    query.push(ORDER);
    let rows: Vec<Row> = query.fetch_all(reads).await.map_err(&failed)?;
    let items = rows.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(BreakPage { items, next: end.more.then_some(end.last) }))
}

/// Where a page ends by the lengths of its bodies, which are known without reading them; `None` of an empty one.
async fn end_of_page(
    reads: &mut Connection<'_>,
    shown: Shown,
    seek: BreakSeek,
) -> Result<Option<End>, Error> {
    let mut query = shown.select(SIZES, seek.after);
    let limit = seek.limit.clamp(1, BREAKS_PER_PAGE_MAX);
    // One more than asked for tells whether more follow.
    query.push(ORDER).push(" limit ").push_bind(i64::from(limit) + 1);
    let sizes: Vec<(String, i64, i64)> =
        query.fetch_all(reads).await.map_err(Error::doing("break_list_sizes"))?;
    let asked = usize::try_from(limit).unwrap_or(usize::MAX);
    let (mut bytes, mut count) = (0_usize, 0);
    for (_, _, size) in sizes.iter().take(asked) {
        if bytes >= BREAK_PAGE_BYTES {
            break;
        }
        bytes = bytes.saturating_add(usize::try_from(*size).unwrap_or(0));
        count += 1;
    }
    let Some((side, row, _)) = sizes[..count].last() else { return Ok(None) };
    let last = BreakPlace { side: word("breaks.side", side)?, row: self::count("breaks.row_number", *row)? };
    Ok(Some(End { last, more: sizes.len() > count }))
}

/// The breaks that a list shows.
#[derive(Clone, Copy)]
struct Shown {
    reconciliation: ReconciliationId,
    attempt: i64,
    filter: BreakFilter,
}

/// Where a page ends, and whether the list goes on.
struct End {
    last: BreakPlace,
    more: bool,
}

impl Shown {
    fn select(self, columns: &'static str, after: Option<BreakPlace>) -> Query {
        let Self { reconciliation, attempt, filter } = self;
        let mut query = query(columns);
        query.push_bind(reconciliation.uuid()).push(" and attempt = ").push_bind(attempt);
        if let Some(side) = filter.side {
            query.push(" and side = ").push_bind(side.as_str());
        }
        if let Some(kind) = filter.kind {
            query.push(" and kind = ").push_bind(kind.as_str());
        }
        if let Some(status) = filter.status {
            query.push(" and status = ").push_bind(status.as_str());
        }
        if let Some(after) = after {
            push_place(&mut query, filter, ">", after);
        }
        query
    }
}

/// Compares with a place. With the side fixed, comparing the row alone lets the index give the order; comparing the pair
/// would sort.
fn push_place(query: &mut Query, filter: BreakFilter, compare: &'static str, place: BreakPlace) {
    if filter.side == Some(place.side) {
        query.push(" and row_number ").push(compare).push(" ").push_bind(place.row);
    } else {
        query.push(" and (side, row_number) ").push(compare).push(" (").push_bind(place.side.as_str());
        query.push(", ").push_bind(place.row).push(")");
    }
}

async fn insert(
    tx: &mut Connection<'_>,
    reconciliation: ReconciliationId,
    attempt: u32,
    rows: &[NewBreak],
) -> Result<(), Error> {
    let mut insert = query(
        "-- break_insert
insert into breaks (reconciliation, attempt, side, row_number, id, kind, body, status, version) values ",
    );
    for (index, new) in rows.iter().enumerate() {
        insert.push(if index == 0 { "(" } else { ", (" });
        insert.push_bind(reconciliation.uuid()).push(", ").push_bind(attempt).push(", ");
        insert.push_bind(new.side.as_str()).push(", ").push_bind(new.row).push(", ");
        insert.push_bind(new.id.uuid()).push(", ").push_bind(new.kind.as_str()).push(", ");
        insert.push_bind(new.body.as_str()).push(", 'open', 1)");
    }
    insert.push(" on conflict (reconciliation, attempt, side, row_number) do nothing");
    insert.execute(tx).await.map_err(Error::doing("break_insert"))?;
    Ok(())
}

fn record(row: Row) -> Result<BreakRecord, Error> {
    Ok(BreakRecord {
        id: BreakId::from_uuid(row.id),
        reconciliation: ReconciliationId::from_uuid(row.reconciliation),
        side: word("breaks.side", &row.side)?,
        row: count("breaks.row_number", row.row_number)?,
        kind: word("breaks.kind", &row.kind)?,
        body: Json::stored(row.body),
        status: word("breaks.status", &row.status)?,
        version: count("breaks.version", row.version)?,
    })
}
