//! Samples and tolerances in, verdicts out. Pure.

mod figures;
mod humane;
mod judge;
mod limit;
mod phase_verdict;
mod recovery;
mod recovery_watch;
mod watch;

pub use figures::{Figures, LatencyFigures, ValueFigures};
pub use judge::{Subject, judge};
pub use phase_verdict::{LimitVerdict, PhaseVerdict, Verdict};
pub use recovery::{Moments, RecoveryVerdict, judge_recovery};
pub use recovery_watch::{RecoveryState, RecoveryWatch};
pub use watch::AbortWatch;

#[cfg(test)]
mod fixture;
