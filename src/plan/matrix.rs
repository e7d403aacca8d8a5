//! Who hears whom in a partition between nodes.

use comfy_table::{Table, presets};

use super::Matrix;
use crate::fault::Cuts;
use crate::spec::Name;

impl Matrix {
    /// The pairs of numbers by their names.
    pub(super) fn new(nodes: Vec<Name>, cuts: &Cuts) -> Self {
        let name = |number: usize| nodes.get(number).cloned();
        let cut = cuts.iter().filter_map(|(from, to)| Some((name(*from)?, name(*to)?))).collect();
        Self { nodes, cut }
    }

    /// Whether packets from one get to the other; everybody hears itself.
    #[must_use]
    pub fn hears(&self, from: &str, to: &str) -> bool {
        !self.cut.iter().any(|(sender, receiver)| sender == from && receiver == to)
    }

    /// A row for each sender, a column for each receiver.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        let header = ["FROM \\ TO"].into_iter().chain(self.nodes.iter().map(String::as_str));
        table.load_style(presets::NOTHING).set_header(header);
        for from in &self.nodes {
            let cells = self.nodes.iter().map(|to| match self.hears(from, to) {
                _ if from == to => "·",
                true => "✓",
                false => "✗",
            });
            table.add_row([from.as_str()].into_iter().chain(cells));
        }
        table.trim_fmt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_one_way_cut_is_seen_at_a_glance() {
        let nodes = ["a", "b", "c"].map(str::to_owned).to_vec();
        let matrix = Matrix::new(nodes, &Cuts::from([(0, 2)]));
        assert!(!matrix.hears("a", "c") && matrix.hears("c", "a") && matrix.hears("a", "a"));
        insta::assert_snapshot!(matrix.table(), @r"
        FROM \ TO  a  b  c
        a          ·  ✓  ✗
        b          ✓  ·  ✓
        c          ✓  ✓  ·
        ");
    }
}
