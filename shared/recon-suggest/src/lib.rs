#![doc = include_str!("../README.md")]

mod agreement;
mod columns;
mod debits;
mod document;
mod evidence;
mod kind;
mod measure;
mod names;
mod overlap;
mod passes;
mod read;
mod roles;
mod sample;
mod score;
mod shape;
mod toml;
mod trial;

use recon_contract::{ExpectedPass, RuleSuggestion, SampledRows};
use recon_domain::{RuleSet, Side};
use recon_formats::SourceError;
use recon_formats::mapping::{self, Input};

pub use evidence::{CONFIDENCE_MIN, LEAD_MIN};
pub use passes::RELATED_MIN;
pub use sample::{SAMPLE_BYTES_MAX, SAMPLE_CELLS_MAX, SAMPLE_COLUMNS_MAX, SAMPLE_ROWS_MAX, SCANNED_ROWS_MAX};
pub use toml::to_toml;

use columns::Columns;
use evidence::Findings;
use trial::Trial;

/// Why nothing can be suggested, or tried.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Rows cannot be had.
    #[error("the {side} file: {source}")]
    Source {
        /// The side.
        side: Side,
        /// Why.
        source: SourceError,
    },
    /// The rows do not fit the rules.
    #[error(transparent)]
    Mapping(mapping::Error),
    /// It was told to stop.
    #[error("looking for rules was stopped")]
    Cancelled,
}

impl Error {
    /// A fault of a side.
    fn source(side: Side) -> impl Fn(SourceError) -> Self + Copy {
        move |source| Self::Source { side, source }
    }
}

impl From<mapping::Error> for Error {
    fn from(error: mapping::Error) -> Self {
        match error {
            mapping::Error::Cancelled => Self::Cancelled,
            mapping::Error::Source { side, source } => Self::Source { side, source },
            other => Self::Mapping(other),
        }
    }
}

/// Suggests rules for two sides. `go_on` is asked now and then; when it says no, the work ends.
///
/// # Errors
/// When a side cannot be read, or [`Error::Cancelled`].
pub fn suggest(
    left: Input<'_>,
    right: Input<'_>,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<RuleSuggestion, Error> {
    let samples = sample::both(left, right, go_on)?;
    let columns = Columns::of(&samples);
    let mut findings = Findings::default();
    sample::tell_unseen(&samples, &mut findings);
    let roles = roles::find(&columns, &mut findings);
    let trial = Trial { samples: &samples, go_on };
    debits::check(&trial, &columns, &roles, &mut findings)?;
    let found = passes::find(&trial, &roles, &mut findings)?;
    Ok(RuleSuggestion {
        rules: found.rules,
        draft: found.draft,
        expected: found.expected,
        sample: sample::sampled(&samples),
        evidence: findings.evidence,
        questions: findings.questions,
    })
}

/// Tries given rules on a sample: what each pass matches.
///
/// # Errors
/// When a side cannot be read or does not fit the rules, or [`Error::Cancelled`].
pub fn expect(
    rules: &RuleSet,
    left: Input<'_>,
    right: Input<'_>,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<(Vec<ExpectedPass>, SampledRows), Error> {
    let samples = sample::of_rules(rules, left, right, go_on)?;
    let ran = Trial { samples: &samples, go_on }.reconcile(rules.clone())?;
    Ok((ran.expected(), sample::sampled(&samples)))
}
