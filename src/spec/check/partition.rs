//! Rules for partitions between nodes.

use std::collections::BTreeSet;

use super::Check;
use crate::spec::mistakes::{Mistake, Place};
use crate::spec::path::Path;
use crate::spec::quantity::{OneOrMany, Pick};
use crate::spec::{Between, Direction, Fault, Name, NetworkPartition, Peers, Target, nearest_word};

impl Check<'_> {
    /// What a partition says of the nodes between which it is, all by itself.
    pub(super) fn partition(&mut self, path: &Path, partition: &NetworkPartition) {
        let Some(between) = &partition.between else { return };
        if partition.peers != Peers::default() {
            let message = "`between` and `peers` exclude each other";
            let mistake = Mistake::new(Place::Key(path.key("peers")), message);
            let help = "each node's peers are what `between` says";
            self.mistakes.push(mistake.help(help.to_owned()));
        }
        let one_way = partition.direction.is_some_and(|direction| direction != Direction::Both);
        let path_of_direction = path.key("direction");
        let path = path.key("between");
        match between {
            Between::MajoritiesRing if one_way => {
                let message = "a ring has no first and no second side, so it is cut both ways";
                self.wrong_but(path_of_direction, message, "leave `direction` out");
            }
            Between::Pair(groups) => self.pair(&path.key("pair"), groups),
            Between::Links(links) => self.links(&path.key("links"), links, one_way),
            _ => {}
        }
    }

    fn pair(&mut self, path: &Path, groups: &[OneOrMany<Name>; 2]) {
        let mut before = BTreeSet::new();
        for (index, group) in groups.iter().enumerate() {
            for (place, name) in super::method::places(&path.item(index), group) {
                if !before.insert(name.to_owned()) {
                    self.wrong(place, format!("the node `{name}` is named twice"));
                }
            }
        }
    }

    fn links(&mut self, path: &Path, links: &[[Name; 2]], one_way: bool) {
        if links.is_empty() {
            self.wrong_but(path.clone(), "the list is empty", "name links, such as `[[a, c]]`");
        }
        let mut before = BTreeSet::new();
        for (index, [one, other]) in links.iter().enumerate() {
            let link = if one_way || one < other { (one, other) } else { (other, one) };
            if one == other {
                self.wrong(path.item(index), format!("`{one}` has no link to itself"));
            } else if !before.insert(link) {
                let message = format!("the link of `{one}` and `{other}` is named twice");
                self.wrong(path.item(index), message);
            }
        }
    }

    /// Whether the targets can be the nodes; the path is the step.
    pub(super) fn partition_fits(&mut self, path: &Path, fault: &Fault, target: &Target) {
        let Fault::NetworkPartition(NetworkPartition { between: Some(between), .. }) = fault else {
            return;
        };
        let place = path.key("fault").key("network-partition").key("between");
        let Some(services) = &target.service else {
            let message = "only services of this experiment can be nodes: the addresses of \
                           processes are not known";
            self.wrong_but(place, message, "name services in `target`, or use `peers`");
            return;
        };
        for (place, name) in names_with_places(&place, between) {
            if !services.as_slice().contains(name) {
                let help = nearest_word(name, services.as_slice().iter().map(String::as_str));
                let message = format!("`{name}` is not among the step's targets");
                self.mistakes.push(Mistake::at(place, message).help(help));
            }
        }
        let nodes = services.as_slice().iter().collect::<BTreeSet<_>>().len();
        let pick = path.key("target").key("pick");
        self.enough_nodes((place, pick), between, nodes, target.pick);
    }

    /// Whether enough of the nodes are picked, and all that are named.
    fn enough_nodes(
        &mut self,
        (place, place_of_pick): (Path, Path),
        between: &Between,
        nodes: usize,
        pick: Pick,
    ) {
        let picked = match pick {
            Pick::One => 1,
            Pick::Count(count) => usize::try_from(count).unwrap_or(usize::MAX).min(nodes),
            Pick::All | Pick::Share(_) => nodes,
        };
        if nodes < between.fewest() {
            let help = match between {
                Between::MajoritiesRing => "with three nodes, break one of their links: `links`",
                _ => "name more services in `target`",
            };
            self.wrong_but(place, too_few(between, nodes), help);
        } else if picked < between.fewest() {
            self.wrong_but(place_of_pick, too_few(between, picked), "write `pick: all`");
        } else if !between.names().is_empty() && pick != Pick::All {
            let message = format!("`{}` names nodes, and they might not be picked", between.key());
            self.wrong_but(place_of_pick, message, "write `pick: all`");
        }
    }
}

/// The nodes named, each with its place.
fn names_with_places<'a>(path: &Path, between: &'a Between) -> Vec<(Path, &'a Name)> {
    let path = path.key(between.key());
    match between {
        Between::Pair(groups) => groups
            .iter()
            .enumerate()
            .flat_map(|(index, group)| {
                let places = super::method::places(&path.item(index), group);
                places.into_iter().map(|(place, _)| place).zip(group.as_slice())
            })
            .collect(),
        Between::Links(links) => links
            .iter()
            .enumerate()
            .flat_map(|(index, link)| {
                let place = path.item(index);
                link.iter().enumerate().map(move |(end, name)| (place.item(end), name))
            })
            .collect(),
        _ => between.names().into_iter().map(|name| (path.clone(), name)).collect(),
    }
}

fn too_few(between: &Between, nodes: usize) -> String {
    let nodes = if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes") };
    format!("`{}` takes at least {} nodes; this step has {nodes}", between.key(), between.fewest())
}
