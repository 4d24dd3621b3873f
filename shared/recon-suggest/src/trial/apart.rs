//! Which rows can be told from the others of their side.

use std::collections::HashMap;

use recon_engine::{Column, Match, Table};
use twox_hash::XxHash3_128;

use super::Ran;

/// For each entry of both sides, whether it can be told from all others of its side.
#[derive(Debug)]
pub(crate) struct Apart([Vec<bool>; 2]);

/// Entries with the same values.
#[derive(Debug, Clone, Copy)]
struct Class {
    count: usize,
    content: u128,
    /// Whether they are copies of one row.
    same: bool,
}

impl Apart {
    /// By these roles alone: no other entry has the same values in them.
    pub(crate) fn by(ran: &Ran, roles: &[&str]) -> Self {
        let places: Vec<usize> =
            roles.iter().filter_map(|role| Some(ran.rules.role(role)?.index())).collect();
        Self(ran.tables().map(|table| judged(table, &places, |class| class.count == 1)))
    }

    /// By all that is mapped: none has the same values that is not a copy of the whole row. To the engine such entries are
    /// one and the same, and which of them it takes says nothing.
    pub(crate) fn by_all(ran: &Ran) -> Self {
        Self(ran.tables().map(|table| {
            let places: Vec<usize> = (0..table.columns.len()).collect();
            judged(table, &places, |class| class.same)
        }))
    }

    /// Whether each row of a match can be told from others.
    pub(crate) fn holds(&self, found: &Match) -> bool {
        let is_apart = |side: usize, entry: &u32| {
            let place = usize::try_from(*entry).ok();
            place.and_then(|place| self.0[side].get(place)).copied().unwrap_or(false)
        };
        found.left.iter().all(|entry| is_apart(0, entry))
            && found.right.iter().all(|entry| is_apart(1, entry))
    }
}

/// Judges each entry by the class of those that have the same values in these columns.
fn judged(table: &Table, places: &[usize], is_apart: impl Fn(&Class) -> bool) -> Vec<bool> {
    let keys: Vec<u128> = (0..table.len()).map(|entry| key(table, places, entry)).collect();
    let mut classes: HashMap<u128, Class> = HashMap::new();
    for (key, content) in keys.iter().zip(&table.contents) {
        let class = classes.entry(*key).or_insert(Class { count: 0, content: *content, same: true });
        class.count += 1;
        class.same &= class.content == *content;
    }
    keys.iter().map(|key| classes.get(key).is_some_and(&is_apart)).collect()
}

fn key(table: &Table, places: &[usize], entry: usize) -> u128 {
    let mut bytes = Vec::with_capacity(places.len() * 16 + 3);
    bytes.extend_from_slice(table.currencies[entry].as_str().as_bytes());
    for place in places {
        match &table.columns[*place] {
            Column::Number { units, .. } => bytes.extend_from_slice(&units[entry].to_le_bytes()),
            Column::Day(days) => bytes.extend_from_slice(&days[entry].to_le_bytes()),
            Column::Instant(micros) => bytes.extend_from_slice(&micros[entry].to_le_bytes()),
            Column::Text { ids, .. } => bytes.extend_from_slice(&ids[entry].0.to_le_bytes()),
        }
    }
    XxHash3_128::oneshot(&bytes)
}
