//! What the measurements of a run say.

use crate::verdict::PhaseVerdict;

/// What the measurements of a run say.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) verdicts: Vec<PhaseVerdict>,
    /// A sentence for each probe that did not recover in time.
    pub(super) late: Vec<String>,
    /// A sentence for each probe of which too little was seen.
    pub(super) unseen: Vec<String>,
}
