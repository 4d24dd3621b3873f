//! The reasons of breaks whose nearest candidates are known.

use super::cause::Constants;
use super::{Near, kind};
use crate::check::Reason;
use crate::evaluate::Judge;

/// A break with the nearest candidate that it names.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) side: usize,
    /// An interchangeable entry of its own side, if one of them is matched.
    pub(crate) twin: Option<u32>,
    pub(crate) near: Option<Near>,
}

/// The reasons of all breaks of a run.
pub(crate) fn reasons(judges: &[Judge<'_>], named: &[Named]) -> Vec<Reason> {
    let constants = Constants::of(judges, named.iter().filter_map(|named| named.near.as_ref()));
    let reason = |named: &Named| {
        let near = named.near.as_ref();
        let cause = near.and_then(|near| near.cause(judges, &constants));
        Reason { kind: kind(judges, named.side, named.twin, false, near), cause }
    };
    named.iter().map(reason).collect()
}
