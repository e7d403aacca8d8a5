//! A table as data: chains of rules, before it is put into a batch.

use super::expression::{Expression, Verdict};
use super::flow::Step;

/// A family of tables (`NFPROTO_*`, linux/netfilter.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Family {
    /// Both versions of IP, in the stack.
    Inet = 1,
    /// Next to the wire.
    Netdev = 5,
}

impl Family {
    /// The family of this number, if we make tables in it.
    pub(super) const fn of(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Inet),
            5 => Some(Self::Netdev),
            _ => None,
        }
    }
}

/// What kind of chain (`NFTA_CHAIN_TYPE`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChainKind {
    Filter,
    Nat,
}

/// Where packets come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: ChainKind,
    /// The number of the hook within the family.
    pub(super) hook: u32,
    /// Lower comes first.
    pub(super) priority: i32,
    /// The interfaces, next to the wire.
    pub(super) devices: Vec<String>,
}

/// A chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) name: &'static str,
    /// `None` for one that others jump to.
    pub(super) place: Option<Place>,
    pub(super) rules: Vec<Vec<Step>>,
}

impl Chain {
    /// One that others jump to.
    pub(super) const fn inner(name: &'static str, rules: Vec<Vec<Step>>) -> Self {
        Self { name, place: None, rules }
    }
}

/// A table. Its chains are in an order in which each jumps only to those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) family: Family,
    pub(super) chains: Vec<Chain>,
}

impl Table {
    /// The names of the counters that its rules use, each once.
    pub(super) fn counters(&self) -> Vec<&'static str> {
        let mut names: Vec<&'static str> = Vec::new();
        for step in self.chains.iter().flat_map(|chain| chain.rules.iter().flatten()) {
            if let Step::Plain(Expression::Count(name)) = step
                && !names.contains(name)
            {
                names.push(name);
            }
        }
        names
    }

    /// Whether its rules match only while the lease is renewed.
    pub(super) fn is_leased(&self) -> bool {
        let mut steps = self.chains.iter().flat_map(|chain| chain.rules.iter().flatten());
        steps.any(|step| *step == Step::Plain(Expression::InNamed(super::lease::SET)))
    }
}

/// A rule's last step.
pub(super) fn decide(verdict: Verdict) -> Step {
    Step::Plain(Expression::Decide(verdict))
}
