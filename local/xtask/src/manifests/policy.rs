//! What must hold of everything that is deployed. Each policy is a fault that was made once, turned into a question.
//!
//! A policy is a pure function with a name and a reason. `fixtures/manifests/broken/NAME.yaml` breaks it and no other.

mod addresses;
mod alb;
mod autoscaling;
mod budget;
mod database;
mod disruption;
mod documented;
mod ingress;
mod keda;
mod network;
mod objects;
mod pods;
mod queries;
mod references;
mod scalers;
mod servers;
mod shutdown;
mod steps;
mod targets;
mod vertical;

use super::objects::{Manifests, Object};

/// A question to the manifests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    pub(super) name: &'static str,
    /// What goes wrong where it is broken.
    pub(super) why: &'static str,
    pub(super) find: fn(&Manifests) -> Vec<Fault>,
}

/// Where a policy is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The object, as people name it.
    pub(super) object: String,
    pub(super) words: String,
}

/// All of them, from what is there at all to how it behaves.
pub(super) fn all() -> impl Iterator<Item = &'static Policy> {
    let groups: [&[Policy]; 18] = [
        objects::POLICIES,
        references::POLICIES,
        targets::POLICIES,
        pods::POLICIES,
        disruption::POLICIES,
        shutdown::POLICIES,
        autoscaling::POLICIES,
        steps::POLICIES,
        vertical::POLICIES,
        keda::POLICIES,
        addresses::POLICIES,
        queries::POLICIES,
        budget::POLICIES,
        documented::POLICIES,
        database::POLICIES,
        network::POLICIES,
        ingress::POLICIES,
        alb::POLICIES,
    ];
    groups.into_iter().flatten()
}

/// Every query in the manifests, for those who check its grammar.
pub(super) use queries::queries;

/// A fault of an object.
fn fault(object: &Object, words: impl Into<String>) -> Fault {
    Fault { object: object.label(), words: words.into() }
}

/// A fault of what people read.
fn documented_fault(words: impl Into<String>) -> Fault {
    Fault { object: "SCALING.md".to_owned(), words: words.into() }
}

#[cfg(test)]
mod tests;
