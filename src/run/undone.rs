//! What the way back came to.

use super::ending::Ending;

/// What the way back came to.
#[derive(Debug, Default)]
pub(super) struct Undone {
    /// What is left or missing, one line each.
    pub(super) residue: Vec<String>,
    /// Why the measurement after the faults was cut short, if it was.
    pub(super) cut_short: Option<Ending>,
}
