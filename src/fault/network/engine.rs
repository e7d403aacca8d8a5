//! Which engine carries out an impairment: the best of those that this machine has.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::act::{Act, Impairment};
use crate::spec::{Engine, Loss};

/// Which engines a machine has, found out by trying. What was not tried counts as there: the agent
/// tries again before anything is touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engines {
    missing: BTreeMap<Engine, String>,
}

/// Why no engine can do it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoEngine {
    /// It was asked for by name and cannot do such a thing.
    #[error("the engine {engine} cannot {what}; leave `engine` out, or use {able}")]
    Unable {
        /// The engine.
        engine: Engine,
        /// What it would have to do.
        what: &'static str,
        /// Those that can.
        able: String,
    },
    /// It was asked for by name and is not here.
    #[error("the engine {engine} does not work here: {reason}")]
    Missing {
        /// The engine.
        engine: Engine,
        /// The machine's words.
        reason: String,
    },
    /// None of those that can is here.
    #[error("nothing on this machine can {what}: {reasons}")]
    None {
        /// What would have to be done.
        what: &'static str,
        /// Each engine with the machine's words.
        reasons: String,
    },
}

impl Engines {
    /// Notes that an engine does not work here.
    #[must_use]
    pub fn without(mut self, engine: Engine, reason: impl Into<String>) -> Self {
        self.missing.insert(engine, reason.into());
        self
    }

    /// Those for a target that has a share of the host's network only.
    #[must_use]
    pub fn of_a_share(&self) -> Self {
        let reason = "it meets whole interfaces, and the target shares those of the host";
        [Engine::Netem, Engine::Tbf]
            .into_iter()
            .fold(self.clone(), |it, one| it.without(one, reason))
    }

    /// Why an engine does not work here; `None` if it does, or was not tried.
    #[must_use]
    pub fn missing(&self, engine: Engine) -> Option<&str> {
        self.missing.get(&engine).map(String::as_str)
    }

    /// The engine for an impairment: the one asked for, or the best that works.
    pub fn choose(
        &self,
        impairment: &Impairment,
        asked: Option<Engine>,
    ) -> Result<Engine, NoEngine> {
        let (what, able) = abilities(impairment);
        self.pick(what, able, asked)
    }

    /// The engine for a partition: the one asked for, or the best that works.
    pub fn choose_for_partition(&self, asked: Option<Engine>) -> Result<Engine, NoEngine> {
        self.pick("cut peers off", &[Engine::Nft, Engine::Iptables], asked)
    }

    fn pick(
        &self,
        what: &'static str,
        able: &[Engine],
        asked: Option<Engine>,
    ) -> Result<Engine, NoEngine> {
        if let Some(engine) = asked {
            if !able.contains(&engine) {
                return Err(NoEngine::Unable { engine, what, able: listed(able) });
            }
            return match self.missing(engine) {
                None => Ok(engine),
                Some(reason) => Err(NoEngine::Missing { engine, reason: reason.to_owned() }),
            };
        }
        let works = |engine: &&Engine| self.missing(**engine).is_none();
        able.iter().find(works).copied().ok_or_else(|| {
            let reasons = able
                .iter()
                .map(|engine| format!("{engine}: {}", self.missing(*engine).unwrap_or_default()));
            NoEngine::None { what, reasons: reasons.collect::<Vec<_>>().join("; ") }
        })
    }
}

/// What an impairment is in words, and the engines that can do it, the best first: what runs in the
/// kernel is more exact, and what the kernel holds is safer.
const fn abilities(impairment: &Impairment) -> (&'static str, &'static [Engine]) {
    use Engine::{Iptables, Netem, Nft, Queue, Tbf};
    match impairment {
        Impairment::Delay(_) => ("delay packets", &[Netem, Queue]),
        Impairment::Lose(Loss::Random { correlation, .. }) if correlation.get() > 0.0 => {
            ("drop packets by chance with correlation", &[Netem, Queue])
        }
        Impairment::Lose(Loss::Random { .. }) => {
            ("drop some packets", &[Nft, Netem, Queue, Iptables])
        }
        Impairment::Lose(Loss::Every(_)) => ("drop every n-th packet", &[Nft, Queue, Iptables]),
        Impairment::Lose(Loss::GilbertElliott(_) | Loss::Markov(_)) => {
            ("drop packets in bursts", &[Netem, Queue])
        }
        Impairment::Duplicate(_) => ("duplicate packets", &[Netem, Queue]),
        Impairment::Corrupt(_) => ("corrupt packets", &[Netem, Queue]),
        Impairment::Reorder(_) => ("reorder packets", &[Netem, Queue]),
        Impairment::Limit(_) => ("limit the rate", &[Tbf, Netem, Queue]),
    }
}

/// The engines that can carry out a network act, the best first; none for other acts.
pub(in super::super) const fn able(act: &Act) -> &'static [Engine] {
    match act {
        Act::Filter(_) => &[Engine::Nft],
        Act::Shape(shape) => abilities(&shape.impairment).1,
        _ => &[],
    }
}

fn listed(engines: &[Engine]) -> String {
    engines.iter().map(Engine::to_string).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::Chance;
    use crate::spec::quantity::Percent;

    const TWICE: Impairment =
        Impairment::Duplicate(Chance { percent: Percent::HUNDRED, correlation: Percent::HUNDRED });

    #[test]
    fn the_best_that_works_is_chosen() {
        let without = Engines::default().without(Engine::Netem, "no sch_netem");
        assert_eq!(Engines::default().choose(&TWICE, None), Ok(Engine::Netem));
        assert_eq!(without.choose(&TWICE, None), Ok(Engine::Queue));
        assert_eq!(without.choose(&TWICE, Some(Engine::Queue)), Ok(Engine::Queue));
    }

    #[test]
    fn what_meets_whole_interfaces_is_not_for_a_share() {
        let shared = Engines::default().of_a_share();
        assert_eq!(shared.choose(&TWICE, None), Ok(Engine::Queue));
        let refused = shared.choose(&TWICE, Some(Engine::Netem)).unwrap_err();
        insta::assert_snapshot!(refused, @"the engine netem does not work here: it meets whole interfaces, and the target shares those of the host");
    }

    #[test]
    fn what_cannot_be_is_said_with_its_reason() {
        let none = Engines::default().without(Engine::Netem, "no sch_netem");
        let refused = |asked| none.choose(&TWICE, Some(asked)).unwrap_err();
        insta::assert_snapshot!(refused(Engine::Netem), @"the engine netem does not work here: no sch_netem");
        insta::assert_snapshot!(refused(Engine::Tbf), @"the engine tbf cannot duplicate packets; leave `engine` out, or use netem or queue");
        let nothing = none.without(Engine::Queue, "no NFQUEUE").choose(&TWICE, None).unwrap_err();
        insta::assert_snapshot!(nothing, @"nothing on this machine can duplicate packets: netem: no sch_netem; queue: no NFQUEUE");
    }
}
