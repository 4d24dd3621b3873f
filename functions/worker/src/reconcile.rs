//! Runs a reconciliation and publishes its result.

use std::fs::File;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use recon_contract::{Summary, options, rules};
use recon_domain::{BreakId, DatasetId, ReadOptions, ReconciliationId, RuleSet, Side};
use recon_formats::mapping::{self, Input, map_both};
use recon_formats::results::{BreakBody, Results};
use recon_formats::{Keep, SourceError, dataset_parquet};
use recon_store::{BreakBatches, Failure, Json, NewBreak, Phase, Published, Store, object_name};
use serde_json::json;
use tokio::sync::mpsc;

use crate::Cut;
use crate::held::{Held, Teller, Watched};

/// Batches of breaks that may wait to be written, so that memory does not grow with their number.
const BATCHES_WAITING_MAX: usize = 4;

/// One side as it is stored.
struct Stored {
    columns: File,
    options: ReadOptions,
}

/// What the computation's thread is given.
struct Task {
    reconciliation: ReconciliationId,
    rules: RuleSet,
    left: Stored,
    right: Stored,
    matches: PathBuf,
    teller: Teller,
    breaks: mpsc::Sender<Vec<NewBreak>>,
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
    let rules = rules::from_json(&record.rules.read()?);
    let rules = rules.map_err(|_| Cut::Inconsistent("the reconciliation's rules cannot be read"))?;

    let folder = tempfile::tempdir()?;
    let matches = folder.path().join("matches.parquet");
    let (sender, receiver) = mpsc::channel(BATCHES_WAITING_MAX);
    let task = Task {
        reconciliation: id,
        rules,
        left: stored(store, held, record.left).await?,
        right: stored(store, held, record.right).await?,
        matches: matches.clone(),
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
            store.objects().put_file(&object, &matches).await?;
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
    Ok(Stored { columns: store.objects().open(&content.object).await?, options })
}

async fn write_breaks(
    store: &Store,
    held: &Held,
    mut batches: mpsc::Receiver<Vec<NewBreak>>,
) -> Result<(), recon_store::Error> {
    while let Some(batch) = batches.recv().await {
        store.breaks().insert(held, batch).await?;
    }
    Ok(())
}

/// Reads both sides, matches, classifies, and writes the matches; sends the breaks batch by batch.
fn compute(task: Task) -> Result<Ran, Cut> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut left = dataset_parquet::Reader::open(task.left.columns, &Keep::Columns(Vec::new()))?;
    let mut right = dataset_parquet::Reader::open(task.right.columns, &Keep::Columns(Vec::new()))?;
    let watch = |_: Side, done, total| task.teller.advance(Phase::Reading, done, total);
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
    let outcome = recon_engine::reconcile(
        &task.rules,
        &mapped.left,
        &mapped.right,
        &mapped.texts,
        threads,
        &task.teller,
    )
    .map_err(|recon_engine::Cancelled| Cut::Stopped)?;
    if !task.teller.advance(Phase::Writing, 0, 0) {
        return Err(Cut::Stopped);
    }
    let (rules, left, right, texts) = (&task.rules, &mapped.left, &mapped.right, &mapped.texts);
    let results = Results { rules, left, right, texts, outcome: &outcome };
    results.write_matches_parquet(Watched::new(File::create(&task.matches)?, &task.teller))?;
    send_breaks(&results, task.reconciliation, &task.teller, &task.breaks)?;
    Ok(Ran::Result(Box::new(outcome.summary)))
}

/// A closed channel means that a batch could not be written: the writer knows why.
fn send_breaks(
    results: &Results<'_>,
    reconciliation: ReconciliationId,
    teller: &Teller,
    batches: &mpsc::Sender<Vec<NewBreak>>,
) -> Result<(), Cut> {
    let total = u64::try_from(results.outcome.breaks.len()).unwrap_or(u64::MAX);
    let mut done = 0;
    let found = results.break_bodies().map(|found| new_break(reconciliation, &found));
    for batch in BreakBatches::of(found) {
        let batch = batch?;
        done += u64::try_from(batch.len()).unwrap_or(u64::MAX);
        if batches.blocking_send(batch).is_err() || !teller.advance(Phase::Writing, done, total) {
            return Err(Cut::Stopped);
        }
    }
    Ok(())
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
