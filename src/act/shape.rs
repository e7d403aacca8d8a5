//! What is done to packets beside dropping all of them.

use serde::{Deserialize, Serialize};

use super::{SiteRef, Traffic};
use crate::spec::quantity::{BitRate, Correlation, Duration, Percent, Size};
use crate::spec::{Distribution, Engine, Loss};

/// Packets to impair.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// Whose network namespace.
    pub site: SiteRef,
    /// Which packets.
    pub traffic: Traffic,
    /// What is done to them.
    pub impairment: Impairment,
    /// What does it.
    pub engine: Engine,
}

/// What is done to packets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Impairment {
    /// They wait.
    Delay(Delay),
    /// They vanish.
    Lose(Loss),
    /// They arrive twice.
    Duplicate(Chance),
    /// They arrive with one bit changed.
    Corrupt(Chance),
    /// Some are sent at once, all others wait.
    Reorder(Reorder),
    /// Only so much passes in a second.
    Limit(Limit),
}

/// A delay.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    /// The mean.
    pub mean: Duration,
    /// Its variation.
    pub jitter: Duration,
    /// How much each delay depends on the one before.
    pub correlation: Correlation,
    /// How the variation is distributed.
    pub distribution: Distribution,
    /// Whether packets may overtake each other.
    pub reorder: bool,
}

/// A probability that may depend on what happened to the packet before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// The probability.
    pub percent: Percent,
    /// The dependence.
    pub correlation: Correlation,
}

/// Packets that overtake others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reorder {
    /// Which are sent at once.
    pub chance: Chance,
    /// Only every n-th may be; 1 for any.
    pub gap: u32,
    /// How long the others wait.
    pub delay: Duration,
}

/// A rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// How much passes in a second.
    pub rate: BitRate,
    /// How much may pass at once; `None` for what 10 ms carry, at least one full frame.
    pub burst: Option<Size>,
    /// How long a packet waits at most.
    pub queue: Duration,
}
