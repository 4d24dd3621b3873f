//! The steps of a push. Each can be repeated, by this process or another one, and has its effect once.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use recon_contract::{
    Dataset, DatasetStatus, Reconciliation, ReconciliationStatus, RuleSuggestion, Summary, WAIT_SECONDS_MAX,
};
use recon_domain::{DatasetId, ReconciliationId};
use serde_json::{Value, json};

use super::client::{ADDRESSES_MORE_MAX, Client, has_ended};
use super::error::Error;
use super::note::Note;
use super::plan::{Input, Plan};
use crate::progress::Bar;

/// How long a dataset may take until it is read.
const READING_TIME_MAX: Duration = Duration::from_secs(60 * 60);
/// How long a run may take: as long as the keys of the push are kept.
const RUN_TIME_MAX: Duration = Duration::from_secs(23 * 60 * 60);
/// The first pause before a dataset is looked at again; it doubles.
const LOOK_PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest such pause.
const LOOK_PAUSE_MAX: Duration = Duration::from_secs(2);
/// How long a request waits for the end of a run while somebody watches how far it is.
const WATCHED_SECONDS: u32 = 1;

/// Why a push stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is at its end without a result: repeating it would come to the same.
    Over(anyhow::Error),
    /// It may be repeated, and goes on where it stopped.
    Unfinished(anyhow::Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let meant_another = error.has_code(recon_idempotency::client::REUSED);
        let is_over = error.is_final();
        let error = anyhow::Error::from(error);
        match (is_over, meant_another) {
            (true, true) => {
                Self::Over(error.context("the server remembers this push as another one; push again"))
            }
            (true, false) => Self::Over(error),
            (false, _) => Self::Unfinished(error),
        }
    }
}

/// A push that is carried out.
pub(super) struct Steps<'a> {
    /// The server.
    pub client: &'a Client<'a>,
    /// What is to be done.
    pub plan: &'a Plan<'a>,
    /// What makes it happen once.
    pub note: &'a mut Note,
}

impl Steps<'_> {
    /// Uploads both files, has them read, and asks for the reconciliation.
    pub(super) fn ask(&mut self) -> Result<Reconciliation, Stop> {
        let [left, right] = &self.plan.sides;
        let ids = [self.dataset(left)?, self.dataset(right)?];
        for (input, id) in self.plan.sides.iter().zip(ids) {
            self.until_read(input, id)?;
        }
        let rules = match self.plan.rules() {
            Some(rules) => rules,
            None => self.suggested(ids)?,
        };
        let [left, right] = ids.map(|id| id.to_string());
        let body = json!({ "name": self.plan.name, "left": left, "right": right, "rules": rules });
        Ok(self.client.post("/v1/reconciliations", Some(&self.note.key("reconcile")), &body)?)
    }

    /// The rules as they were written, or as the server suggested them.
    pub(super) fn document(&self) -> Option<&Value> {
        self.plan.document.as_ref().or_else(|| self.note.rules())
    }

    /// Waits for the end of a run, and gets what it amounts to.
    pub(super) fn until_done(&self, id: ReconciliationId) -> Result<Summary, Stop> {
        let bar = Bar::count("queued".to_owned());
        let seconds = if bar.is_seen() { WATCHED_SECONDS } else { WAIT_SECONDS_MAX };
        let begun = Instant::now();
        while begun.elapsed() < RUN_TIME_MAX {
            let run: Reconciliation = self.client.get(&format!("/v1/reconciliations/{id}?wait={seconds}"))?;
            bar.show(run.progress.phase.as_str(), run.progress.done, run.progress.total);
            match run.status {
                // A server that is about to stop answers at once.
                ReconciliationStatus::Queued | ReconciliationStatus::Running => sleep(LOOK_PAUSE_FIRST),
                ReconciliationStatus::Succeeded => {
                    let summary =
                        run.summary.ok_or_else(|| anyhow!("the reconciliation {id} has no summary"));
                    return summary.map_err(Stop::Over);
                }
                ReconciliationStatus::Failed => {
                    let why = run.error.map_or_else(String::new, |error| format!(": {}", error.detail));
                    return Err(Stop::Over(anyhow!("the reconciliation {id} failed{why}")));
                }
                ReconciliationStatus::Cancelled => {
                    return Err(Stop::Over(anyhow!("the reconciliation {id} was cancelled")));
                }
            }
        }
        let hours = RUN_TIME_MAX.as_secs() / 3600;
        Err(Stop::Over(anyhow!("the reconciliation {id} is not at its end after {hours} hours")))
    }

    /// Announces a dataset, uploads its bytes and settles them, as far as that was not done before.
    fn dataset(&self, input: &Input<'_>) -> Result<DatasetId, Stop> {
        let key = |step: &str| self.note.key(&format!("{step}-{}", input.side));
        let created: Dataset = self.client.post("/v1/datasets", Some(&key("create")), &input.announcement)?;
        let path = format!("/v1/datasets/{}", created.id);
        // What a repeated key is answered with is how it was then.
        let now: Dataset = self.client.get(&path)?;
        if now.status == DatasetStatus::AwaitingUpload {
            if now.sha256.as_ref() != Some(&input.content.sha256) {
                self.upload(input, &path, now)?;
            }
            let body = json!({ "sha256": input.content.sha256 });
            let _: Dataset = self.client.post(&format!("{path}/complete"), Some(&key("complete")), &body)?;
        }
        Ok(created.id)
    }

    fn upload(&self, input: &Input<'_>, path: &str, mut dataset: Dataset) -> Result<(), Stop> {
        let bar = Bar::bytes(format!("uploading {}", input.content.name()), input.content.bytes);
        let mut more = 0;
        // The same push, begun twice at once, may be faster.
        while dataset.status == DatasetStatus::AwaitingUpload {
            let Some(upload) = &dataset.upload else {
                return Err(Stop::Over(anyhow!(
                    "the server says no place for the content of {}",
                    dataset.id
                )));
            };
            match self.client.put(upload, input.content.bytes, || input.content.open(&bar)) {
                Err(error) if error.has_code("dataset_sealed") => return Ok(()),
                // A signed address takes one upload: the answer to an earlier attempt was lost. The checksum tells whether it was this one.
                Err(error) if error.has_status(412) && !upload.headers.is_empty() => return Ok(()),
                Err(error) if more < ADDRESSES_MORE_MAX && has_ended(&upload.url, &error) => {
                    more += 1;
                    dataset = self.client.get(path)?;
                }
                sent => return Ok(sent?),
            }
        }
        Ok(())
    }

    fn until_read(&self, input: &Input<'_>, id: DatasetId) -> Result<(), Stop> {
        let _wheel = Bar::wheel(format!("the server reads {}", input.content.name()));
        let begun = Instant::now();
        let mut pause = LOOK_PAUSE_FIRST;
        while begun.elapsed() < READING_TIME_MAX {
            let dataset: Dataset = self.client.get(&format!("/v1/datasets/{id}"))?;
            match dataset.status {
                DatasetStatus::Ready => return Ok(()),
                DatasetStatus::AwaitingUpload | DatasetStatus::Ingesting => {}
                DatasetStatus::Rejected => {
                    let why = dataset.error.map_or_else(String::new, |error| format!(": {}", error.detail));
                    let path = input.content.path.display();
                    return Err(Stop::Over(anyhow!("the server cannot read {path}{why}")));
                }
            }
            sleep(pause);
            pause = (pause * 2).min(LOOK_PAUSE_MAX);
        }
        let minutes = READING_TIME_MAX.as_secs() / 60;
        Err(Stop::Unfinished(anyhow!(
            "the dataset {id} is not read after {minutes} minutes; does a worker run?"
        )))
    }

    /// Rules that the server suggests. They are kept, so that a repetition asks for the same reconciliation.
    fn suggested(&mut self, ids: [DatasetId; 2]) -> Result<Value, Stop> {
        if let Some(rules) = self.note.rules() {
            return Ok(rules.clone());
        }
        let [left, right] = ids.map(|id| id.to_string());
        let body = json!({ "left": left, "right": right });
        let suggestion: RuleSuggestion = match self.client.post("/v1/rules/suggest", None, &body) {
            Err(error @ Error::Refused { status: 404 | 405, .. }) => {
                let error = anyhow::Error::from(error);
                return Err(Stop::Over(error.context("this server suggests no rules; give --rules")));
            }
            answer => answer?,
        };
        let Some(rules) = suggestion.rules else {
            let asked = suggestion
                .questions
                .iter()
                .map(|question| format!("\n{}: {}", question.subject, question.text));
            let asked: String = asked.collect();
            return Err(Stop::Over(anyhow!(
                "the server can't tell rules for these files; write them, and give --rules{asked}"
            )));
        };
        self.note.keep_rules(&rules).map_err(Stop::Unfinished)?;
        Ok(rules)
    }
}
