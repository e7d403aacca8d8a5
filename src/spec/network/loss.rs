//! `network-loss` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::quantity::{Correlation, Percent};
use super::{Direction, Engine, Peers};

/// Packets that vanish. Exactly one of `percent`, `every`, `gilbert-elliott`, `markov`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct NetworkLoss {
    /// Each packet vanishes with this probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// How much each loss depends on the one before, with `percent`.
    #[serde(default)]
    pub correlation: Correlation,
    /// Every n-th packet vanishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// Bursts by the model of Gilbert and Elliott.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gilbert_elliott: Option<GilbertElliott>,
    /// Bursts by a Markov chain of four states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub markov: Option<Markov>,
    /// Which way, seen from the target: what it sends by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
    /// Only packets to or from these peers; everything by default.
    #[serde(default)]
    pub peers: Peers,
    /// Packets left alone although they match: those that one of these entries describes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<Peers>,
    /// Only on these interfaces; by default on every one but `lo`.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub interfaces: Vec<String>,
    /// What does it; by default the best that this kernel has, found by trying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
}

/// Two states, good and bad, each with its own loss (tc-netem(8), `loss gemodel`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct GilbertElliott {
    /// The probability to go from good to bad.
    pub p: Percent,
    /// The probability to go from bad to good; 100 % - `p` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r: Option<Percent>,
    /// The loss in the bad state, tc's `1-h`.
    #[serde(default = "GilbertElliott::all")]
    pub loss_bad: Percent,
    /// The loss in the good state, tc's `1-k`.
    #[serde(default)]
    pub loss_good: Percent,
}

impl GilbertElliott {
    const fn all() -> Percent {
        Percent::HUNDRED
    }
}

/// Four states: 1 good, 2 good within a burst, 3 lost within a burst, 4 lost alone (tc-netem(8),
/// `loss state`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Markov {
    /// From good to a burst of loss.
    pub p13: Percent,
    /// From a burst of loss to good; 100 % - `p13` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p31: Option<Percent>,
    /// From loss to good within a burst.
    #[serde(default)]
    pub p32: Percent,
    /// From good to loss within a burst.
    #[serde(default = "GilbertElliott::all")]
    pub p23: Percent,
    /// From good to one lost packet.
    #[serde(default)]
    pub p14: Percent,
}

/// How packets are lost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// Each with a probability, which may depend on what happened to the one before.
    Random {
        /// The probability.
        percent: Percent,
        /// The dependence.
        correlation: Correlation,
    },
    /// Every n-th.
    Every(u32),
    /// By two states.
    GilbertElliott(GilbertElliott),
    /// By four states.
    Markov(Markov),
}

impl NetworkLoss {
    /// How packets are lost; `None` unless exactly one way is given, which `spec::parse` has checked.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        match (self.percent, self.every, self.gilbert_elliott, self.markov) {
            (Some(percent), None, None, None) => {
                Some(Loss::Random { percent, correlation: self.correlation })
            }
            (None, Some(n), None, None) => Some(Loss::Every(n)),
            (None, None, Some(model), None) => Some(Loss::GilbertElliott(model)),
            (None, None, None, Some(model)) => Some(Loss::Markov(model)),
            _ => None,
        }
    }
}
