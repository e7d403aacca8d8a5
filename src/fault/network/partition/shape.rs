//! The shapes of a partition: who does not hear whom.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::spec::{Between, Direction, Name, NamedOrAny};

/// The pairs (from, to) of nodes, by their number, whose packets are lost.
pub type Cuts = BTreeSet<(usize, usize)>;

/// Why nodes cannot be partitioned so.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoShape {
    /// Too few nodes.
    #[error("`{shape}` takes at least {fewest} nodes; this step has {nodes}")]
    TooFew {
        /// The shape.
        shape: &'static str,
        /// The fewest of which it can be made.
        fewest: usize,
        /// How many there are.
        nodes: usize,
    },
    /// A name that no node has.
    #[error("`{name}` is not among the step's targets")]
    UnknownNode {
        /// The name.
        name: Name,
    },
}

/// Who does not hear whom among nodes with these names. `order` has the number of each node once,
/// shuffled: what the shape leaves open is filled from its front. The direction is seen from the
/// first of each two: the first group, the isolated node, the first (smaller) half, the first end
/// of a link.
pub(super) fn cuts(
    shape: &Between,
    direction: Direction,
    nodes: &[Name],
    order: &[usize],
) -> Result<Cuts, NoShape> {
    let (key, fewest) = (shape.key(), shape.fewest());
    if nodes.len() < fewest {
        return Err(NoShape::TooFew { shape: key, fewest, nodes: nodes.len() });
    }
    let links = match shape {
        Between::Pair([first, second]) => {
            sides(&numbers(nodes, first.as_slice())?, &numbers(nodes, second.as_slice())?)
        }
        Between::Isolate(node) => {
            let (one, others) = one_and_others(node, nodes, order)?;
            sides(&[one], &others)
        }
        Between::Halves => halves(order),
        Between::MajoritiesRing => ring(order),
        Between::Bridge(node) => halves(&one_and_others(node, nodes, order)?.1),
        Between::Links(links) => links
            .iter()
            .map(|[one, other]| Ok((number(nodes, one)?, number(nodes, other)?)))
            .collect::<Result<_, _>>()?,
    };
    Ok(links.into_iter().flat_map(|link| directed(link, direction)).collect())
}

/// The directions of a link that are lost.
fn directed((one, other): (usize, usize), direction: Direction) -> Vec<(usize, usize)> {
    match direction {
        Direction::To => vec![(one, other)],
        Direction::From => vec![(other, one)],
        Direction::Both => vec![(one, other), (other, one)],
    }
}

fn sides(first: &[usize], second: &[usize]) -> Vec<(usize, usize)> {
    first.iter().flat_map(|one| second.iter().map(|other| (*one, *other))).collect()
}

fn halves(order: &[usize]) -> Vec<(usize, usize)> {
    let (first, second) = order.split_at(order.len() / 2);
    sides(first, second)
}

/// Each node sees as many on its left as on its right in a ring, and so a majority of which it is
/// the middle. Where a majority is even, and all nodes can be paired, it sees the one opposite as
/// well; an odd number of nodes cannot be paired, and each sees one more than a majority. (Jepsen's
/// exact ring drops an uneven number on either side, which cuts some links one way only.)
fn ring(order: &[usize]) -> Vec<(usize, usize)> {
    let nodes = order.len();
    // A majority without the node itself: half of the nodes, rounded down.
    let others = nodes / 2;
    let opposite = nodes.is_multiple_of(2) && !others.is_multiple_of(2);
    let reach = if opposite { others / 2 } else { others.div_ceil(2) };
    let sees = |distance: usize| distance <= reach || (opposite && 2 * distance == nodes);
    let mut lost = Vec::new();
    for (place, one) in order.iter().enumerate() {
        for (steps, other) in order.iter().skip(place + 1).enumerate() {
            let steps = steps + 1;
            if !sees(steps.min(nodes - steps)) {
                lost.push((*one, *other));
            }
        }
    }
    lost
}

/// The node that is named, else the first of the order, and the others in the order.
fn one_and_others(
    NamedOrAny(name): &NamedOrAny,
    nodes: &[Name],
    order: &[usize],
) -> Result<(usize, Vec<usize>), NoShape> {
    let one = match name {
        Some(name) => number(nodes, name)?,
        None => order.first().copied().unwrap_or_default(),
    };
    Ok((one, order.iter().copied().filter(|other| *other != one).collect()))
}

fn numbers(nodes: &[Name], names: &[Name]) -> Result<Vec<usize>, NoShape> {
    names.iter().map(|name| number(nodes, name)).collect()
}

fn number(nodes: &[Name], name: &Name) -> Result<usize, NoShape> {
    let found = nodes.iter().position(|node| node == name);
    found.ok_or_else(|| NoShape::UnknownNode { name: name.clone() })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::spec::quantity::OneOrMany;

    fn names(count: usize) -> Vec<Name> {
        (0..count).map(|number| format!("n{number}")).collect()
    }

    fn group(numbers: &[usize]) -> OneOrMany<Name> {
        let names: Vec<_> = numbers.iter().map(|number| format!("n{number}")).collect();
        serde_json::from_value(serde_json::json!(names)).unwrap()
    }

    fn both(shape: &Between, order: &[usize]) -> Cuts {
        cuts(shape, Direction::Both, &names(order.len()), order).unwrap()
    }

    /// Whom a node hears, itself included.
    fn heard(cuts: &Cuts, node: usize, nodes: usize) -> BTreeSet<usize> {
        (0..nodes).filter(|other| !cuts.contains(&(*other, node))).collect()
    }

    /// A number of nodes, in any order.
    fn orders(fewest: usize) -> impl Strategy<Value = Vec<usize>> {
        (fewest..24).prop_flat_map(|count| Just((0..count).collect::<Vec<_>>()).prop_shuffle())
    }

    fn any() -> NamedOrAny {
        NamedOrAny(None)
    }

    proptest! {
        #[test]
        fn both_ways_is_symmetric_and_nobody_is_cut_from_itself(order in orders(4), at: Index) {
            let one = format!("n{}", at.index(order.len()));
            for shape in [
                Between::Isolate(any()),
                Between::Isolate(NamedOrAny(Some(one.clone()))),
                Between::Halves,
                Between::MajoritiesRing,
                Between::Bridge(any()),
                Between::Bridge(NamedOrAny(Some(one))),
                Between::Pair([group(&[0]), group(&[1, 2])]),
                Between::Links(vec![["n0".to_owned(), "n3".to_owned()]]),
            ] {
                let lost = both(&shape, &order);
                prop_assert!(!lost.is_empty());
                for (from, to) in &lost {
                    prop_assert!(from != to && *from < order.len() && *to < order.len());
                    prop_assert!(lost.contains(&(*to, *from)));
                }
                // One way and the other way make both ways, and have nothing in common.
                let nodes = names(order.len());
                let [to, from] = [Direction::To, Direction::From]
                    .map(|direction| cuts(&shape, direction, &nodes, &order).unwrap());
                prop_assert!(to.is_disjoint(&from));
                prop_assert_eq!(&to | &from, lost);
                prop_assert!(to.iter().all(|(one, other)| from.contains(&(*other, *one))));
            }
        }

        #[test]
        fn an_isolated_node_hears_itself_and_others_all_but_it(order in orders(2), at: Index) {
            let (nodes, one) = (order.len(), at.index(order.len()));
            for (shape, one) in [
                (Between::Isolate(NamedOrAny(Some(format!("n{one}")))), one),
                (Between::Isolate(any()), order[0]),
            ] {
                let lost = both(&shape, &order);
                prop_assert_eq!(lost.len(), 2 * (nodes - 1));
                prop_assert_eq!(heard(&lost, one, nodes), BTreeSet::from([one]));
            }
        }

        #[test]
        fn halves_are_two_components_that_differ_by_one_at_most(order in orders(2)) {
            let (nodes, lost) = (order.len(), both(&Between::Halves, &order));
            let components: BTreeSet<_> = (0..nodes).map(|node| heard(&lost, node, nodes)).collect();
            let sizes: Vec<usize> = components.iter().map(BTreeSet::len).collect();
            prop_assert_eq!(sizes.len(), 2);
            prop_assert!(sizes[0].abs_diff(sizes[1]) <= 1 && sizes[0] + sizes[1] == nodes);
        }

        #[test]
        fn in_a_ring_each_sees_a_majority_and_no_two_the_same(order in orders(4)) {
            let (nodes, lost) = (order.len(), both(&Between::MajoritiesRing, &order));
            let seen: BTreeSet<_> = (0..nodes).map(|node| heard(&lost, node, nodes)).collect();
            prop_assert_eq!(seen.len(), nodes, "two see the same");
            // Exact, unless that many links per node would make half a link.
            let majority = nodes / 2 + 1;
            let most = majority + usize::from(nodes % 2 == 1 && majority % 2 == 0);
            prop_assert!(seen.iter().all(|seen| seen.len() == most && seen.len() < nodes));
        }

        #[test]
        fn a_bridge_hears_all_and_each_other_its_half(order in orders(3), at: Index) {
            let (nodes, one) = (order.len(), at.index(order.len()));
            for (shape, bridge) in [
                (Between::Bridge(NamedOrAny(Some(format!("n{one}")))), one),
                (Between::Bridge(any()), order[0]),
            ] {
                let lost = both(&shape, &order);
                prop_assert_eq!(heard(&lost, bridge, nodes).len(), nodes);
                let others = (0..nodes).filter(|node| *node != bridge);
                let halves: BTreeSet<_> = others.map(|node| heard(&lost, node, nodes)).collect();
                let sizes: Vec<usize> = halves.iter().map(BTreeSet::len).collect();
                prop_assert_eq!(sizes.len(), 2);
                // The bridge is in both.
                prop_assert!(sizes[0].abs_diff(sizes[1]) <= 1 && sizes[0] + sizes[1] == nodes + 1);
            }
        }

        #[test]
        fn whoever_is_in_no_group_sees_all(order in orders(3), sizes: (Index, Index)) {
            let nodes = order.len();
            let first = 1 + sizes.0.index(nodes - 1);
            let second = 1 + sizes.1.index(nodes - first);
            let (one, other) = (&order[..first], &order[first..first + second]);
            let lost = both(&Between::Pair([group(one), group(other)]), &order);
            prop_assert_eq!(lost.len(), 2 * first * second);
            for node in &order[first + second..] {
                prop_assert_eq!(heard(&lost, *node, nodes).len(), nodes);
            }
        }

        #[test]
        fn only_the_named_links_are_cut(order in orders(3)) {
            let link = |one, other| [format!("n{one}"), format!("n{other}")];
            let shape = Between::Links(vec![link(0, 2), link(2, 1)]);
            let cut = |direction| cuts(&shape, direction, &names(order.len()), &order).unwrap();
            prop_assert_eq!(cut(Direction::To), Cuts::from([(0, 2), (2, 1)]));
            prop_assert_eq!(cut(Direction::From), Cuts::from([(2, 0), (1, 2)]));
        }
    }

    #[test]
    fn too_few_nodes_and_unknown_ones_are_refused() {
        let refused = |shape: Between, count: usize| {
            let order: Vec<usize> = (0..count).collect();
            cuts(&shape, Direction::Both, &names(count), &order).unwrap_err().to_string()
        };
        insta::assert_snapshot!(refused(Between::MajoritiesRing, 3), @"`majorities-ring` takes at least 4 nodes; this step has 3");
        insta::assert_snapshot!(refused(Between::Bridge(any()), 2), @"`bridge` takes at least 3 nodes; this step has 2");
        let stranger = Between::Isolate(NamedOrAny(Some("x".to_owned())));
        insta::assert_snapshot!(refused(stranger, 3), @"`x` is not among the step's targets");
    }
}
