//! What a queueing discipline does to packets, and how it proves that it did.

use anyhow::{Result, bail};

use super::super::netem::{self, Netem, Parameters};
use super::super::qdisc::QdiscInfo;
use super::super::tbf::{self, Tbf};
use crate::act::{Effect, Impairment, Limit, Shape};
use crate::spec::Engine;

/// A queueing discipline of ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Discipline {
    /// The network emulator.
    Netem(Netem),
    /// The token bucket.
    Tbf(Tbf),
}

/// How often the rare must have been expected before it is taken to have happened: with 5, that it
/// has not has a probability below 1 % (`e^-5`).
const EXPECTED: f64 = 5.0;

impl Discipline {
    /// What an act asks for on an interface whose longest packet has `frame` bytes.
    pub fn of(shape: &Shape, frame: u32) -> Result<Self> {
        match (shape.engine, &shape.impairment) {
            (Engine::Netem, impairment) => Netem::of(impairment, frame).map(Self::Netem),
            (Engine::Tbf, Impairment::Limit(limit)) => Tbf::of(limit, frame).map(Self::Tbf),
            (engine, _) => bail!("{engine} is no queueing discipline for that"),
        }
    }

    /// The same for loopback, whose frames are longer than those of the interface to come.
    pub(super) fn rehearsed(shape: &Shape) -> Result<Self> {
        match (shape.engine, &shape.impairment) {
            (Engine::Tbf, Impairment::Limit(limit)) => {
                Tbf::of(&Limit { burst: None, ..*limit }, 1).map(Self::Tbf)
            }
            _ => Self::of(shape, 1),
        }
    }

    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Netem(_) => netem::KIND,
            Self::Tbf(_) => tbf::KIND,
        }
    }

    pub(super) fn options(&self) -> Vec<u8> {
        match self {
            Self::Netem(netem) => netem.options(),
            Self::Tbf(tbf) => tbf.options(),
        }
    }

    /// Whether the kernel does what was asked, as far as it tells.
    #[must_use]
    pub fn agrees(&self, found: &QdiscInfo) -> bool {
        found.kind == self.kind()
            && match self {
                Self::Netem(netem) => Parameters::parse(&found.options)
                    .is_some_and(|parameters| parameters.agree(netem)),
                Self::Tbf(tbf) => tbf.agrees(&found.options),
            }
    }
}

/// What disciplines have met so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Packets sent on.
    pub sent: u64,
    /// Packets dropped.
    pub dropped: u64,
    /// How often a packet was held back by the rate of tbf.
    pub held_back: u64,
}

impl Met {
    /// Adds what another has met.
    pub fn add(&mut self, found: &QdiscInfo) {
        self.sent += found.packets;
        self.dropped += found.drops;
        self.held_back += found.overlimits;
    }

    /// What this proves of an impairment.
    #[must_use]
    pub fn effect(&self, impairment: &Impairment) -> Effect {
        let Self { sent, dropped, held_back } = *self;
        match impairment {
            _ if sent == 0 && dropped == 0 => Effect::pending("in place, no packet has met it yet"),
            Impairment::Lose(_) if dropped == 0 => {
                Effect::pending(format!("{sent} packets have met it, none was lost yet"))
            }
            Impairment::Lose(_) => {
                Effect::proved(format!("{dropped} of {} packets lost", sent + dropped))
            }
            Impairment::Limit(_) if held_back == 0 && dropped == 0 => {
                Effect::pending(format!("{sent} packets passed, none faster than the rate"))
            }
            Impairment::Limit(_) => Effect::proved(format!(
                "{sent} packets passed, held back {held_back} times, {dropped} dropped"
            )),
            _ if dropped > 0 => Effect::absent(format!(
                "{dropped} packets were lost: the queue is too short for so many"
            )),
            Impairment::Delay(_) => Effect::proved(format!("{sent} packets delayed, none lost")),
            Impairment::Duplicate(chance) => rare(sent, chance.percent.fraction(), "sent twice"),
            Impairment::Corrupt(chance) => rare(sent, chance.percent.fraction(), "corrupted"),
            Impairment::Reorder(reorder) => {
                let share = reorder.chance.percent.fraction() / f64::from(reorder.gap.max(1));
                rare(sent, share, "sent at once")
            }
        }
    }
}

/// The kernel does not count these: what went through it, and what was to be expected of that.
fn rare(sent: u64, share: f64, what: &str) -> Effect {
    #[expect(clippy::cast_precision_loss, reason = "a count of packets")]
    let expected = sent as f64 * share;
    let evidence =
        format!("{sent} packets have met it, about {expected:.0} of them {what}, none lost");
    if expected < EXPECTED { Effect::pending(evidence) } else { Effect::proved(evidence) }
}
