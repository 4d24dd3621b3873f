//! Rules tried on a sample, by the engine itself.

mod apart;

use std::num::NonZeroUsize;

use recon_contract::{ExpectedPass, rules};
use recon_domain::{MatchStatus, RuleSet};
use recon_engine::{Column, Match, Outcome, Phase, Progress, Table, reconcile};
use recon_formats::Mapped;
use recon_formats::mapping::{Input, map_both};
use serde_json::Value;

use crate::Error;
use crate::sample::{GoOn, Sample, SampleSource};
pub(crate) use apart::Apart;

/// What rules are tried on.
pub(crate) struct Trial<'a> {
    pub(crate) samples: &'a [Sample; 2],
    pub(crate) go_on: GoOn<'a>,
}

/// What became of it.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) rules: RuleSet,
    pub(crate) mapped: Mapped,
    pub(crate) outcome: Outcome,
}

struct Stop<'a>(GoOn<'a>);

impl Progress for Stop<'_> {
    fn advance(&self, _: Phase, _: u64, _: u64) -> bool {
        (self.0)()
    }
}

impl Trial<'_> {
    /// Tries a document. `None` where it is none, which the builder of documents rules out.
    pub(crate) fn document(&self, document: &Value) -> Result<Option<Ran>, Error> {
        match rules::from_json(document) {
            Ok(rules) => self.reconcile(rules).map(Some),
            Err(_) => Ok(None),
        }
    }

    pub(crate) fn reconcile(&self, rules: RuleSet) -> Result<Ran, Error> {
        let mapped = self.map(&rules)?;
        let (left, right, texts) = (&mapped.left, &mapped.right, &mapped.texts);
        let outcome = reconcile(&rules, left, right, texts, threads(), &Stop(self.go_on));
        let outcome = outcome.map_err(|recon_engine::Cancelled| Error::Cancelled)?;
        Ok(Ran { rules, mapped, outcome })
    }

    /// Reads the samples as a run with these rules does.
    pub(crate) fn map(&self, rules: &RuleSet) -> Result<Mapped, Error> {
        let [left, right] = self.samples;
        let (mut left_source, mut right_source) = (SampleSource::new(left), SampleSource::new(right));
        let mapped = map_both(
            rules,
            Input { source: &mut left_source, options: left.options.clone() },
            Input { source: &mut right_source, options: right.options.clone() },
            threads(),
            &|_, _, _| (self.go_on)(),
        )?;
        Ok(mapped)
    }
}

fn threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

impl Ran {
    const fn tables(&self) -> [&Table; 2] {
        [&self.mapped.left, &self.mapped.right]
    }

    /// What each pass matches, suggestions included.
    pub(crate) fn expected(&self) -> Vec<ExpectedPass> {
        let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        let pass = |(number, pass): (usize, &recon_domain::Pass)| {
            let matches =
                || self.outcome.matches.iter().filter(move |found| usize::from(found.pass) == number);
            ExpectedPass {
                pass: pass.name.clone(),
                left_matched: matches().map(|found| count(found.left.len())).sum(),
                right_matched: matches().map(|found| count(found.right.len())).sum(),
            }
        };
        self.rules.passes.iter().enumerate().map(pass).collect()
    }

    /// The matches of a pass, by its name.
    pub(crate) fn matches_of<'r>(&'r self, name: &str) -> impl Iterator<Item = &'r Match> + use<'r> {
        let number = self.rules.passes.iter().position(|pass| pass.name == name);
        self.outcome.matches.iter().filter(move |found| Some(usize::from(found.pass)) == number)
    }

    /// The matches of a pass that stand by themselves.
    pub(crate) fn confirmed<'r>(&'r self, name: &str) -> impl Iterator<Item = &'r Match> + use<'r> {
        self.matches_of(name).filter(|found| found.status == MatchStatus::Confirmed)
    }

    /// How many matches of a pass stand by themselves, and how many wait for a person.
    pub(crate) fn statuses(&self, name: &str) -> [usize; 2] {
        let of = |status| self.matches_of(name).filter(|found| found.status == status).count();
        [of(MatchStatus::Confirmed), of(MatchStatus::Suggested)]
    }

    /// The left amount of a match, in units of the last place.
    pub(crate) fn left_amount(&self, found: &Match) -> Option<i128> {
        let role = self.rules.role(recon_domain::AMOUNT)?;
        let entry = usize::try_from(*found.left.first()?).ok()?;
        match &self.mapped.left.columns[role.index()] {
            Column::Number { units, .. } => {
                units.get(entry).copied().filter(|units| *units != Column::EMPTY_NUMBER)
            }
            Column::Day(_) | Column::Instant(_) | Column::Text { .. } => None,
        }
    }

    /// Digits after the point of amounts.
    pub(crate) fn amount_scale(&self) -> u8 {
        let role = self.rules.role(recon_domain::AMOUNT);
        match role.map(|role| &self.mapped.left.columns[role.index()]) {
            Some(Column::Number { scale, .. }) => *scale,
            _ => 0,
        }
    }

    /// The numbers of the left and the right day of a match.
    pub(crate) fn days(&self, found: &Match) -> Option<(i32, i32)> {
        let role = self.rules.role(recon_domain::DATE)?.index();
        let day = |table: &Table, entry: Option<&u32>| match &table.columns[role] {
            Column::Day(days) => {
                let day = days.get(usize::try_from(*entry?).ok()?).copied();
                day.filter(|day| *day != Column::EMPTY_DAY)
            }
            Column::Number { .. } | Column::Instant(_) | Column::Text { .. } => None,
        };
        Some((day(&self.mapped.left, found.left.first())?, day(&self.mapped.right, found.right.first())?))
    }

    /// The left text of a match in a role, as conditions compare it.
    pub(crate) fn left_text(&self, found: &Match, role: &str) -> Option<&str> {
        let role = self.rules.role(role)?;
        let entry = usize::try_from(*found.left.first()?).ok()?;
        match &self.mapped.left.columns[role.index()] {
            Column::Text { ids, .. } => self.mapped.texts.get(*ids.get(entry)?),
            Column::Number { .. } | Column::Day(_) | Column::Instant(_) => None,
        }
    }
}
