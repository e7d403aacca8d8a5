//! What this host lets us do, found out by trying; each gap with what it means and its remedy.

mod check;
mod machine;
mod network;
mod processes;
mod render;
mod storage;

pub use check::{Check, State};
pub use render::human;

use crate::agent::Runs;
use crate::sys::trial::Stand;

/// Tries everything that runs and faults need. `stand` is what is started to be tried on; it must
/// do nothing but wait. Nothing is left behind, and nothing of the host's is touched.
#[must_use]
pub fn examine(runs: &Runs, stand: Stand<'_>) -> Vec<Check> {
    let mut checks = machine::checks();
    checks.extend(processes::checks(stand));
    checks.extend(network::checks());
    checks.extend(storage::checks(runs));
    checks
}
