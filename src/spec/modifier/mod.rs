//! How a fault comes and goes, and how strong it is, while its step lasts.

mod level;
mod pulse;
mod ramp;

pub use pulse::Pulse;
pub use ramp::Ramp;

use super::quantity::Duration;

/// The shortest time that a fault is put, taken away or changed for: many times what it takes to
/// do so, so that a step is mostly what it says.
pub const SHORTEST: Duration = Duration::from_millis(100);

/// How often a fault may be put in one step: each time is an act with its own place in the journal.
pub const MOST_TURNS: usize = 10_000;
