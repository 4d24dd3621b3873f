//! What is open.

use rayon::prelude::*;

use crate::classes::Classes;
use crate::input::{LEFT, RIGHT};
use crate::number::{index, narrow};

/// How many entries of each class are open, by side and class. A class gives its entries in content
/// order.
#[derive(Debug)]
pub(crate) struct Open([Vec<u32>; 2]);

impl Open {
    /// Everything is open.
    pub(crate) fn all(classes: &[Classes; 2]) -> Self {
        Self([LEFT, RIGHT].map(|side| classes[side].sizes()))
    }

    /// How many entries of a class are open.
    pub(crate) fn of(&self, side: usize, class: u32) -> u32 {
        self.0[side][index(class)]
    }

    /// The classes that have open entries, in content order.
    pub(crate) fn classes(&self, side: usize) -> Vec<u32> {
        let classes = (0..narrow(self.0[side].len())).into_par_iter();
        classes.filter(|class| self.of(side, *class) > 0).collect()
    }

    /// Takes entries of a class.
    pub(crate) fn take(&mut self, side: usize, class: u32, count: u32) {
        self.0[side][index(class)] -= count;
    }
}
