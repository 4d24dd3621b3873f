//! The operation table: one entry a route, in a file for each resource.

mod datasets;
mod findings;
mod reconciliations;
mod rules;
mod service;
mod sessions;

use super::Error;
use super::operation::Operation;
use crate::route::{self, Route};

/// What groups operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tag {
    /// Signing in and out.
    Sessions,
    /// Files.
    Datasets,
    /// Rules.
    Rules,
    /// Runs.
    Reconciliations,
    /// What runs find.
    Findings,
    /// The service itself.
    Service,
}

impl Tag {
    /// In the order of a reader's way through the API.
    pub(super) const ALL: [Self; 6] =
        [Self::Sessions, Self::Datasets, Self::Rules, Self::Reconciliations, Self::Findings, Self::Service];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sessions => "Sessions",
            Self::Datasets => "Datasets",
            Self::Rules => "Rules",
            Self::Reconciliations => "Reconciliations",
            Self::Findings => "Matches and breaks",
            Self::Service => "Service",
        }
    }

    pub(super) const fn about(self) -> &'static str {
        match self {
            Self::Sessions => "Sign in, see where you are signed in, sign out.",
            Self::Datasets => "The two files of a reconciliation, each announced, uploaded, and read once.",
            Self::Rules => "What makes two rows belong together.",
            Self::Reconciliations => "Two datasets and rules, executed once.",
            Self::Findings => {
                "What a reconciliation came to: matches, breaks with their reasons, and rejected rows."
            }
            Self::Service => "Probes and documentation.",
        }
    }

    fn operations(self) -> Vec<Operation> {
        match self {
            Self::Sessions => sessions::operations(),
            Self::Datasets => datasets::operations(),
            Self::Rules => rules::operations(),
            Self::Reconciliations => reconciliations::operations(),
            Self::Findings => findings::operations(),
            Self::Service => service::operations(),
        }
    }
}

/// An operation and its group.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) tag: Tag,
    pub(super) operation: Operation,
}

/// Every operation, in the order of the route table.
pub(super) fn paired() -> Result<Vec<Described>, Error> {
    let described = Tag::ALL
        .into_iter()
        .flat_map(|tag| tag.operations().into_iter().map(move |operation| Described { tag, operation }));
    pair(route::ALL, described.collect())
}

/// Puts operations in the order of their routes; each route has one, and each of them its route.
fn pair(routes: &[Route], mut described: Vec<Described>) -> Result<Vec<Described>, Error> {
    let mut paired: Vec<Described> = Vec::with_capacity(routes.len());
    for route in routes {
        let index = described.iter().position(|described| described.operation.route == *route);
        let undescribed = || Error::Undescribed(format!("{} {}", route.method, route.path));
        paired.push(described.swap_remove(index.ok_or_else(undescribed)?));
    }
    if let Some(left) = described.first() {
        let id = left.operation.id;
        let twice = paired.iter().any(|paired| paired.operation.route == left.operation.route);
        return Err(if twice { Error::Twice(id) } else { Error::Unrouted(id) });
    }
    for (index, Described { operation, .. }) in paired.iter().enumerate() {
        if paired[..index].iter().any(|other| other.operation.id == operation.id) {
            return Err(Error::Twice(operation.id));
        }
    }
    Ok(paired)
}

/// Ids and times of examples.
mod sample {
    pub(super) const DATASET: &str = "0197a1c2-5b10-7c44-8d3e-9a60f2b7c401";
    pub(super) const OTHER_DATASET: &str = "0197a1c2-5b11-7f0a-b1c8-22d6a7e9f602";
    pub(super) const RECONCILIATION: &str = "0197a1c3-0e7d-7b93-a4f5-6c81d0e2b703";
    pub(super) const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    pub(super) const ASKED_AT: &str = "2026-03-02T09:15:04Z";
}

#[cfg(test)]
mod tests;
