//! Suggestions for files of many kinds, through the public interface.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod asks;
mod payments;
mod repeats;
mod samples;
mod tells;

use std::num::NonZeroUsize;
use std::path::PathBuf;

use recon_contract::{RuleSuggestion, rules};
use recon_domain::{MatchStatus, ReadOptions};
use recon_engine::{Phase, Progress, Table};
use recon_formats::mapping::{Input, map_both};
use recon_formats::{Keep, TextReader};
use serde_json::Value;

/// Two files in a folder of their own.
pub(crate) struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    pub(crate) fn new(left: &str, right: &str) -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(files.path("left.csv"), left).unwrap();
        std::fs::write(files.path("right.csv"), right).unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn open(&self) -> [TextReader; 2] {
        let open = |name: &str| {
            TextReader::open(&self.path(name), &ReadOptions::default(), &Keep::Columns(Vec::new())).unwrap()
        };
        [open("left.csv"), open("right.csv")]
    }

    /// What is suggested; rules have to be ones that can be read, also as a file.
    pub(crate) fn suggest(&self) -> RuleSuggestion {
        let [mut left, mut right] = self.open();
        let found = recon_suggest::suggest(input(&mut left), input(&mut right), &|| true).unwrap();
        let toml = recon_suggest::to_toml(&found);
        let document = found.rules.as_ref().or(found.draft.as_ref()).unwrap();
        assert_eq!(&rules::toml_to_json(&toml).unwrap(), document, "{toml}");
        if let Some(document) = &found.rules {
            rules::from_json(document).unwrap_or_else(|errors| panic!("{errors}\n{toml}"));
            assert_eq!(found.expected.len(), document["passes"].as_array().unwrap().len());
        }
        assert!(found.evidence.iter().all(|evidence| evidence.score <= 10_000 && !evidence.text.is_empty()));
        found
    }
}

impl Files {
    /// The left and the right rows that the rules of a suggestion confirm, counted from 1; none without rules.
    pub(crate) fn confirmed(&self, found: &RuleSuggestion) -> Vec<[u32; 2]> {
        let Some(document) = &found.rules else { return Vec::new() };
        let set = rules::from_json(document).unwrap();
        let [mut left, mut right] = self.open();
        let one = NonZeroUsize::MIN;
        let mapped = map_both(&set, input(&mut left), input(&mut right), one, &|_, _, _| true).unwrap();
        let (left, right) = (&mapped.left, &mapped.right);
        let outcome = recon_engine::reconcile(&set, left, right, &mapped.texts, one, &Never).unwrap();
        let confirmed = outcome.matches.iter().filter(|found| found.status == MatchStatus::Confirmed);
        let row = |table: &Table, entries: &[u32]| table.rows[usize::try_from(entries[0]).unwrap()];
        confirmed.map(|found| [row(left, &found.left), row(right, &found.right)]).collect()
    }
}

struct Never;

impl Progress for Never {
    fn advance(&self, _: Phase, _: u64, _: u64) -> bool {
        true
    }
}

pub(crate) fn input(source: &mut TextReader) -> Input<'_> {
    Input { source, options: ReadOptions::default() }
}

/// The rules of a suggestion that has to have some.
pub(crate) fn rules_of(found: &RuleSuggestion) -> &Value {
    found.rules.as_ref().unwrap_or_else(|| panic!("no rules: {}", recon_suggest::to_toml(found)))
}

/// Left rows that all passes together match.
pub(crate) fn matched(found: &RuleSuggestion) -> u64 {
    found.expected.iter().map(|pass| pass.left_matched).sum()
}

/// The questions' subjects.
pub(crate) fn asked(found: &RuleSuggestion) -> Vec<&str> {
    found.questions.iter().map(|question| question.subject.as_str()).collect()
}
