//! Runs a reconciliation and publishes its result.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use recon_contract::{Summary, options, rules};
use recon_domain::{BreakId, DatasetId, ReadOptions, ReconciliationId, RuleSet, Side};
use recon_formats::mapping::{self, Input, map_both};
use recon_formats::rejections_parquet::{self, Rejected};
use recon_formats::results::{BreakBody, Results};
use recon_formats::{Keep, Rejection, SourceError, dataset_parquet};
use recon_runtime::metrics;
use recon_store::{BreakBatches, Failure, Json, NewBreak, Phase, Published, Store, object_name};
use serde_json::json;
use tokio::sync::mpsc;

use crate::Cut;
use crate::held::{Held, Teller, Watched};
use crate::upload;

/// Batches of breaks that may wait to be written, so that memory does not grow with their number.
const BATCHES_WAITING_MAX: usize = 4;

/// One side as it is stored.
struct Stored {
    columns: File,
    rows: u64,
    options: ReadOptions,
}

/// What the computation's thread is given.
struct Task {
    reconciliation: ReconciliationId,
    rules: RuleSet,
    left: Stored,
    right: Stored,
    matches: PathBuf,
    rejections: PathBuf,
    teller: Teller,
    breaks: mpsc::Sender<Vec<NewBreak>>,
}

/// How many rows of both sides are read.
struct RowsRead {
    of: [u64; 2],
    done: [AtomicU64; 2],
}

impl RowsRead {
    fn new(of: [u64; 2]) -> Self {
        Self { of, done: [AtomicU64::new(0), AtomicU64::new(0)] }
    }

    /// Takes how far the reading of one side is, and returns the rows of both sides that are read, and how many there are.
    fn add(&self, side: Side, done: u64, total: u64) -> (u64, u64) {
        let place = side as usize;
        // The first half of reading looks at what all rows show, which stands ready in a stored dataset.
        let done = u128::from(done).saturating_mul(2).saturating_sub(u128::from(total));
        let rows = done * u128::from(self.of[place]) / u128::from(total.max(1));
        self.done[place].fetch_max(u64::try_from(rows).unwrap_or(u64::MAX), Ordering::Relaxed);
        let sum = |numbers: [u64; 2]| numbers[0].saturating_add(numbers[1]);
        (sum([0, 1].map(|side| self.done[side].load(Ordering::Relaxed))), sum(self.of))
    }
}

/// What the computation came to.
enum Ran {
    Result(Box<recon_domain::Summary>),
    /// No further attempt would bring it further.
    Impossible(Failure),
}

/// Runs this reconciliation and ends its job.
pub(crate) async fn run(store: &Store, held: &Held, id: ReconciliationId) -> Result<(), Cut> {
    let reconciliations = store.reconciliations();
    let record = reconciliations.get(held.workspace, id).await?;
    let record = record.ok_or(Cut::Inconsistent("the reconciliation is gone"))?;
    let rules = reconciliations.rules(held.workspace, id).await?;
    let rules = rules.ok_or(Cut::Inconsistent("the reconciliation is gone"))?;
    let rules = rules::from_json(&rules.read()?);
    let rules = rules.map_err(|_| Cut::Inconsistent("the reconciliation's rules cannot be read"))?;

    let folder = tempfile::tempdir()?;
    let matches = folder.path().join("matches.parquet");
    let rejections = folder.path().join("rejections.parquet");
    let (sender, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
    let task = Task {
        reconciliation: id,
        rules,
        left: stored(store, held, record.left).await?,
        right: stored(store, held, record.right).await?,
        matches: matches.clone(),
        rejections: rejections.clone(),
        teller: held.teller(),
        breaks: sender,
    };
    let teller = held.teller();
    let computed = tokio::task::spawn_blocking(move || teller.judge(compute(task)));
    // A batch that cannot be written closes the channel, and with it the computation.
    let written = write_breaks(store, held, receiver).await;
    let computed = computed.await?;
    written?;
    match computed? {
        Ran::Impossible(failure) => reconciliations.fail(held, failure).await?,
        Ran::Result(summary) => {
            let object = object_name::matches(id, held.attempt);
            let objects = store.objects().for_jobs();
            upload::put(&objects, &object, &matches, &held.teller()).await?;
            let object_of_rejections = object_name::rejections(id, held.attempt);
            upload::put(&objects, &object_of_rejections, &rejections, &held.teller()).await?;
            fail::fail_point!("reconcile-stored");
            let published = Published {
                summary: Json::of(&Summary::from(summary.as_ref()))?,
                digest: summary.digest.clone(),
                matches_object: object,
            };
            reconciliations.publish(held, published).await?;
        }
    }
    Ok(())
}

/// A dataset's columns and what was said about its file.
async fn stored(store: &Store, held: &Held, id: DatasetId) -> Result<Stored, Cut> {
    let dataset =
        store.datasets().get(held.workspace, id).await?.ok_or(Cut::Inconsistent("a dataset is gone"))?;
    let content = dataset.content.ok_or(Cut::Inconsistent("a dataset has no content"))?;
    let options = options::from_json(&dataset.options.read()?);
    let options = options.map_err(|_| Cut::Inconsistent("a dataset's options cannot be read"))?;
    let objects = store.objects().for_jobs();
    let columns = held.teller().unless_stopped(objects.open(&content.object)).await?;
    Ok(Stored { columns, rows: content.rows, options })
}

async fn write_breaks(
    store: &Store,
    held: &Held,
    mut batches: mpsc::Receiver<Vec<NewBreak>>,
) -> Result<(), recon_store::Error> {
    while let Some(batch) = batches.recv().await {
        store.breaks().insert(held, batch).await?;
        fail::fail_point!("reconcile-between-breaks");
    }
    Ok(())
}

/// Reads both sides, matches, classifies, and writes the matches; sends the breaks batch by batch.
fn compute(task: Task) -> Result<Ran, Cut> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut left = dataset_parquet::Reader::open(task.left.columns, &Keep::Columns(Vec::new()))?;
    let mut right = dataset_parquet::Reader::open(task.right.columns, &Keep::Columns(Vec::new()))?;
    let read = RowsRead::new([task.left.rows, task.right.rows]);
    let watch = |side, done, total| {
        let (done, total) = read.add(side, done, total);
        task.teller.advance(Phase::Reading, done, total)
    };
    let mapped = map_both(
        &task.rules,
        Input { source: &mut left, options: task.left.options },
        Input { source: &mut right, options: task.right.options },
        threads,
        &watch,
    );
    let mapped = match mapped {
        Ok(mapped) => mapped,
        Err(mapping::Error::Cancelled) => return Err(Cut::Stopped),
        Err(mapping::Error::Source { source: source @ SourceError::Dataset(_), .. }) => {
            return Err(source.into());
        }
        Err(error) => {
            let failure = Failure { code: "data_does_not_fit".to_owned(), detail: error.to_string() };
            return Ok(Ran::Impossible(failure));
        }
    };
    let began = Instant::now();
    let outcome = recon_engine::reconcile(
        &task.rules,
        &mapped.left,
        &mapped.right,
        &mapped.texts,
        threads,
        &task.teller,
    )
    .map_err(|recon_engine::Cancelled| Cut::Stopped)?;
    metrics::engine_ran([&mapped.left, &mapped.right].map(|side| count(side.len())), began.elapsed());
    let to_write = count(outcome.matches.len()).saturating_add(count(outcome.breaks.len()));
    if !task.teller.advance(Phase::Writing, 0, to_write) {
        return Err(Cut::Stopped);
    }
    let (rules, left, right, texts) = (&task.rules, &mapped.left, &mapped.right, &mapped.texts);
    let results = Results { rules, left, right, texts, outcome: &outcome };
    results.write_matches_parquet(Watched::new(File::create(&task.matches)?, &task.teller))?;
    write_rejections(&task.rejections, mapped.rejections, &task.teller)?;
    send_breaks(&results, task.reconciliation, &task.teller, &task.breaks)?;
    Ok(Ran::Result(Box::new(outcome.summary)))
}

/// Writes the rows of both sides that became no entries, those that could not be read when the dataset was made
/// included.
fn write_rejections(target: &Path, rejections: [Vec<Rejection>; 2], teller: &Teller) -> Result<(), Cut> {
    let mut writer = rejections_parquet::Writer::new(Watched::new(File::create(target)?, teller))?;
    for (side, rejections) in [Side::Left, Side::Right].into_iter().zip(rejections) {
        for rejection in rejections {
            writer.write(&Rejected::of_run(side, rejection))?;
        }
    }
    Ok(writer.finish()?)
}

/// A closed channel means that a batch could not be written: the writer knows why.
fn send_breaks(
    results: &Results<'_>,
    reconciliation: ReconciliationId,
    teller: &Teller,
    batches: &mpsc::Sender<Vec<NewBreak>>,
) -> Result<(), Cut> {
    // The matches are written already.
    let mut done = count(results.outcome.matches.len());
    let total = done.saturating_add(count(results.outcome.breaks.len()));
    if !teller.advance(Phase::Writing, done, total) {
        return Err(Cut::Stopped);
    }
    let found = results.break_bodies().map(|found| new_break(reconciliation, &found));
    for batch in BreakBatches::of(found) {
        let batch = batch?;
        done += count(batch.len());
        if batches.blocking_send(batch).is_err() || !teller.advance(Phase::Writing, done, total) {
            return Err(Cut::Stopped);
        }
    }
    Ok(())
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn new_break(reconciliation: ReconciliationId, found: &BreakBody) -> Result<NewBreak, recon_store::Error> {
    let body = json!({ "values": found.values, "nearest": found.nearest, "twin": found.twin });
    Ok(NewBreak {
        id: BreakId::derive(reconciliation, found.side, found.row),
        side: found.side,
        row: found.row,
        kind: found.kind,
        body: Json::of(&body)?,
    })
}
