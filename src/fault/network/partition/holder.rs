//! At which end a link is cut.
//!
//! Each link is cut at one end only, which drops both what it sends and what it receives there.
//! Jepsen's nemesis drops at each receiver instead, which cuts the same pairs. One end is better
//! here for three reasons. An end that only answers would have a filter that never meets a packet,
//! since the question is lost at the other end, and so no proof that it works. What a filter
//! answers (`mode: reset`, `mode: icmp`) has to pass the other end, where a second filter would
//! eat it. And fewer nodes are touched.

use std::collections::{BTreeMap, BTreeSet};

use super::shape::Cuts;
use crate::spec::Direction;

/// What one node drops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    /// The number of the node.
    pub(super) node: usize,
    /// Which way, seen from it.
    pub(super) direction: Direction,
    /// The other ends.
    pub(super) peers: BTreeSet<usize>,
}

/// Nodes that together cut every pair exactly once, by the number of the node: again and again
/// the one with the most links that are still to be cut, the first of several.
pub(super) fn holders(cuts: &Cuts) -> Vec<Holder> {
    let mut rest: BTreeSet<(usize, usize)> =
        cuts.iter().map(|(from, to)| (*from.min(to), *from.max(to))).collect();
    let mut holders: BTreeMap<(usize, Direction), Holder> = BTreeMap::new();
    while let Some(node) = busiest(&rest) {
        let (own, others) =
            rest.into_iter().partition(|(one, other)| [one, other].contains(&&node));
        rest = others;
        let own: BTreeSet<(usize, usize)> = own;
        for (one, other) in own {
            let peer = if one == node { other } else { one };
            let direction = match (cuts.contains(&(node, peer)), cuts.contains(&(peer, node))) {
                (true, true) => Direction::Both,
                (true, false) => Direction::To,
                (false, _) => Direction::From,
            };
            let holder = holders.entry((node, direction)).or_insert_with(|| Holder {
                node,
                direction,
                peers: BTreeSet::new(),
            });
            holder.peers.insert(peer);
        }
    }
    holders.into_values().collect()
}

/// The node with the most of the links, the first of several.
fn busiest(links: &BTreeSet<(usize, usize)>) -> Option<usize> {
    let mut count: BTreeMap<usize, usize> = BTreeMap::new();
    for (one, other) in links {
        *count.entry(*one).or_default() += 1;
        *count.entry(*other).or_default() += 1;
    }
    count.into_iter().max_by_key(|(node, links)| (*links, usize::MAX - node)).map(|(node, _)| node)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The pairs that the holders cut, one by one.
    fn pairs(holders: &[Holder]) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for Holder { node, direction, peers } in holders {
            for peer in peers {
                if *direction != Direction::From {
                    pairs.push((*node, *peer));
                }
                if *direction != Direction::To {
                    pairs.push((*peer, *node));
                }
            }
        }
        pairs
    }

    proptest! {
        #[test]
        fn every_pair_is_cut_exactly_once(
            cuts in proptest::collection::btree_set((0..8_usize, 0..8_usize), 0..40),
        ) {
            let cuts: Cuts = cuts.into_iter().filter(|(from, to)| from != to).collect();
            let mut found = pairs(&holders(&cuts));
            found.sort_unstable();
            prop_assert_eq!(found, cuts.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn few_nodes_are_touched() {
        let touched = |cuts: &[(usize, usize)]| {
            let both = cuts.iter().flat_map(|(one, other)| [(*one, *other), (*other, *one)]);
            holders(&both.collect()).iter().map(|holder| holder.node).collect::<Vec<_>>()
        };
        // An isolated node, a minority of two, one link, a ring of five.
        assert_eq!(touched(&[(3, 0), (3, 1), (3, 2)]), [3]);
        assert_eq!(touched(&[(1, 0), (1, 2), (1, 4), (3, 0), (3, 2), (3, 4)]), [1, 3]);
        assert_eq!(touched(&[(0, 2)]), [0]);
        assert_eq!(touched(&[(0, 2), (2, 4), (4, 1), (1, 3), (3, 0)]), [0, 1, 2]);
    }
}
