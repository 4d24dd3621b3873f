//! Components: candidates that compete with each other, directly or through others.

use crate::candidates::Edge;
use crate::number::{index, narrow};

/// Room for the graph of a block, kept from one block to the next.
#[derive(Debug, Default)]
pub(crate) struct Components {
    /// How many candidates each class has; left classes, then right ones.
    degrees: Vec<u32>,
    /// Union-find over the same; the root of a set is its smallest member.
    parents: Vec<u32>,
    /// Candidates that compete, with the root of their component.
    edges: Vec<(u32, Edge)>,
}

impl Components {
    /// Takes the candidates of a block with so many left and right classes. Those without any
    /// competition, the common case, go to `single`; the others are kept for [`Components::iter`].
    pub(crate) fn split(&mut self, sizes: [usize; 2], edges: &[Edge], mut single: impl FnMut(Edge)) {
        self.edges.clear();
        self.degrees.clear();
        self.degrees.resize(sizes[0] + sizes[1], 0);
        let offset = narrow(sizes[0]);
        for (left, right) in edges {
            self.degrees[index(*left)] += 1;
            self.degrees[index(offset + right)] += 1;
        }
        for &(left, right) in edges {
            if self.degrees[index(left)] == 1 && self.degrees[index(offset + right)] == 1 {
                single((left, right));
            } else {
                self.edges.push((0, (left, right)));
            }
        }
        if self.edges.is_empty() {
            return;
        }
        self.parents.clear();
        self.parents.extend(0..narrow(self.degrees.len()));
        for number in 0..self.edges.len() {
            let (_, (left, right)) = self.edges[number];
            self.join(left, offset + right);
        }
        for number in 0..self.edges.len() {
            self.edges[number].0 = self.root(self.edges[number].1.0);
        }
        self.edges.sort_unstable();
    }

    /// The components of more than one candidate: candidates of each in the order of their places.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[(u32, Edge)]> {
        self.edges.chunk_by(|a, b| a.0 == b.0)
    }

    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[index(a.max(b))] = a.min(b);
    }

    fn root(&mut self, mut node: u32) -> u32 {
        loop {
            let parent = self.parents[index(node)];
            if parent == node {
                return node;
            }
            // Every step halves the way of the next one.
            let above = self.parents[index(parent)];
            self.parents[index(node)] = above;
            node = above;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_fall_into_the_components_they_are_connected_by() {
        let mut components = Components::default();
        let mut single = Vec::new();
        let edges = [(0, 0), (1, 1), (1, 2), (3, 4), (2, 2), (4, 3), (4, 5)];
        components.split([5, 6], &edges, |edge| single.push(edge));
        assert_eq!(single, [(0, 0), (3, 4)]);
        let found: Vec<Vec<Edge>> =
            components.iter().map(|edges| edges.iter().map(|(_, edge)| *edge).collect()).collect();
        assert_eq!(found, [vec![(1, 1), (1, 2), (2, 2)], vec![(4, 3), (4, 5)]]);
        components.split([5, 6], &[(4, 0)], |edge| assert_eq!(edge, (4, 0)));
        assert_eq!(components.iter().count(), 0);
    }
}
