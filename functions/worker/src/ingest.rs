//! Reads an upload: its dialect, its columns, its faulty rows.

use std::fs::File;
use std::path::{Path, PathBuf};

use recon_contract::{RejectedSample, options};
use recon_domain::{DatasetId, ReadOptions};
use recon_formats::text_reader::{EncodingError, Error as TextError};
use recon_formats::{
    BatchSource, Keep, Profile, SourceError, TextReader, dataset_parquet, rejections_parquet,
};
use recon_store::{DatasetContent, Failure, IngestResult, Json, ObjectError, Phase, Store, object_name};

use crate::held::{Held, Teller, Watched};
use crate::{Cut, pinned, upload};

/// How many rejected rows a dataset shows as samples.
const REJECTED_SAMPLES_MAX: usize = 20;

/// The code of a dataset whose file is none that holds rows.
const NOT_A_TABLE: &str = "not_a_table";
/// The code of a dataset whose bytes are others than those that were there when it was completed.
const CHANGED: &str = "content_changed";

/// Where the rows go.
#[derive(Clone)]
struct Targets {
    columns: PathBuf,
    rejected: PathBuf,
}

/// What reading a file came to.
enum Read {
    Table { profile: Profile, rejected: Vec<RejectedSample> },
    NoTable(Failure),
}

/// Reads the upload of this dataset and ends its job.
pub(crate) async fn run(store: &Store, held: &Held, id: DatasetId) -> Result<(), Cut> {
    let datasets = store.datasets();
    let dataset = datasets.get(held.workspace, id).await?.ok_or(Cut::Inconsistent("the dataset is gone"))?;
    let upload = dataset.upload.ok_or(Cut::Inconsistent("the dataset has no upload"))?;
    let options = options::from_json(&dataset.options.read()?)
        .map_err(|_| Cut::Inconsistent("the dataset's options cannot be read"))?;

    let objects = store.objects().for_jobs();
    let opening = objects.open_pinned(&upload.object, upload.etag.as_deref());
    let file = match held.teller().unless_stopped(opening).await {
        // Only a store that lets clients write twice to a signed address comes to this.
        Err(Cut::Object(error @ ObjectError::Changed { .. })) => {
            let failure = Failure { code: CHANGED.to_owned(), detail: error.to_string() };
            return Ok(datasets.finish_ingest(held, IngestResult::Rejected(failure)).await?);
        }
        opened => opened?,
    };
    let file = match (upload.sha256, dataset.expected_sha256) {
        (Some(_), _) => file,
        (None, expected) => {
            let (file, found) = pinned::hash(file, &held.teller()).await?;
            if let Some(expected) = expected.filter(|expected| *expected != found) {
                let failure = pinned::mismatch(&expected, &found);
                return Ok(datasets.finish_ingest(held, IngestResult::Rejected(failure)).await?);
            }
            datasets.hashed(held, found).await?;
            file
        }
    };
    let folder = tempfile::tempdir()?;
    let targets = Targets::in_folder(folder.path());
    let (teller, files) = (held.teller(), targets.clone());
    let read =
        tokio::task::spawn_blocking(move || teller.judge(read(file, &options, &files, &teller))).await??;

    fail::fail_point!("ingest-read");
    let result = match read {
        Read::NoTable(failure) => IngestResult::Rejected(failure),
        Read::Table { profile, rejected } => {
            let object = object_name::content(id, held.attempt);
            let object_of_rejected = object_name::rejected_beside(&object);
            upload::put(&objects, &object_of_rejected, &targets.rejected, &held.teller()).await?;
            upload::put(&objects, &object, &targets.columns, &held.teller()).await?;
            fail::fail_point!("ingest-stored");
            IngestResult::Ready(DatasetContent {
                object,
                rows: profile.rows,
                rejected: profile.rejected,
                rejected_samples: Json::of(&rejected)?,
                columns: Json::of(&profile.columns)?,
                dialect: Json::of(&profile.dialect)?,
            })
        }
    };
    Ok(datasets.finish_ingest(held, result).await?)
}

impl Targets {
    fn in_folder(folder: &Path) -> Self {
        Self { columns: folder.join("columns.parquet"), rejected: folder.join("rejected.parquet") }
    }
}

/// Reads the file twice: once to see what its columns hold, once to write them.
fn read(file: File, options: &ReadOptions, targets: &Targets, teller: &Teller) -> Result<Read, Cut> {
    let watch = |done, total| teller.advance(Phase::Reading, done, total);
    let looked = TextReader::new(Watched::new(file, teller), options, &Keep::All)
        .map_err(SourceError::Text)
        .and_then(|mut reader| {
            let profile = BatchSource::profile(&mut reader, &watch)?;
            Ok((reader, profile))
        });
    let (mut reader, profile) = match looked {
        Ok((reader, Some(profile))) => (reader, profile),
        Ok((_, None)) => return Err(Cut::Stopped),
        Err(error) if is_of_the_file(&error) => {
            let failure = Failure { code: NOT_A_TABLE.to_owned(), detail: error.to_string() };
            return Ok(Read::NoTable(failure));
        }
        Err(error) => return Err(error.into()),
    };
    let mut writer = dataset_parquet::Writer::new(File::create(&targets.columns)?, reader.header())?;
    let mut rejected_writer = rejections_parquet::Writer::new(File::create(&targets.rejected)?)?;
    let mut rejected = Vec::new();
    while let Some(batch) = reader.next_batch().map_err(SourceError::Text)? {
        if !teller.goes_on() {
            return Err(Cut::Stopped);
        }
        let room = REJECTED_SAMPLES_MAX - rejected.len();
        let samples = batch.rejected.iter().take(room);
        rejected.extend(samples.map(|row| RejectedSample { line: row.line, reason: row.reason.clone() }));
        for row in &batch.rejected {
            rejected_writer.write(&row.clone().into())?;
        }
        writer.write(batch)?;
    }
    rejected_writer.finish()?;
    writer.finish(&profile)?;
    Ok(Read::Table { profile, rejected })
}

/// Whether the file itself cannot be read as a table, however often it is tried.
fn is_of_the_file(error: &SourceError) -> bool {
    match error {
        SourceError::Text(TextError::Read(_) | TextError::Encoding(EncodingError::Read(_)))
        | SourceError::Dataset(_) => false,
        SourceError::Text(_) => true,
    }
}
