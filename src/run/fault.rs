//! An act of the method, and what is known of its effect.

use crate::act::{ActId, Class, Effect, SiteRef, Strength};
use crate::sample::Elapsed;

/// An act of the method and what is known of its effect.
pub(super) struct Fault {
    pub(super) id: ActId,
    pub(super) step: usize,
    /// The place of its turn in the step.
    pub(super) turn: usize,
    /// The fault's name in the catalogue.
    pub(super) name: String,
    pub(super) site: SiteRef,
    /// The last that was seen.
    pub(super) effect: Effect,
    /// Whether it was ever proved.
    pub(super) proved: bool,
    /// The first sight of it not being there when it should have been.
    pub(super) lapse: Option<String>,
    /// Whether its undo is still to come.
    pub(super) active: bool,
    /// When it was injected.
    pub(super) injected: Elapsed,
    /// When it was undone.
    pub(super) undone: Option<Elapsed>,
}

/// What is performed, and for which turn of which step.
pub(super) struct Cause {
    pub(super) step: usize,
    pub(super) turn: usize,
    pub(super) name: String,
    pub(super) site: SiteRef,
    pub(super) class: Class,
}

impl Fault {
    pub(super) fn new((id, injected): (ActId, Elapsed), cause: Cause, effect: Effect) -> Self {
        let Cause { step, turn, name, site, class } = cause;
        let mut fault = Self {
            id,
            step,
            turn,
            name,
            site,
            effect: Effect::pending("not looked at"),
            proved: false,
            lapse: None,
            active: class != Class::X,
            injected,
            undone: None,
        };
        fault.see(effect);
        fault
    }

    /// Whether it was on at a moment.
    pub(super) fn was_on(&self, moment: Elapsed) -> bool {
        moment >= self.injected && self.undone.is_none_or(|undone| moment < undone)
    }

    /// Whether it can still be seen.
    pub(super) const fn is_watched(&self) -> bool {
        self.undone.is_none() && (self.active || !self.proved)
    }

    /// Whether its effect speaks for another's: the same fault, put on the same place by the same
    /// step. A pulse that nothing met by chance takes nothing from those that something did.
    pub(super) fn speaks_for(&self, other: &Self) -> bool {
        self.step == other.step && self.name == other.name && self.site == other.site
    }

    /// Takes in what was seen of it.
    pub(super) fn see(&mut self, effect: Effect) {
        self.proved |= effect.strength == Strength::Proved;
        if effect.strength == Strength::Absent && self.lapse.is_none() {
            self.lapse = Some(effect.evidence.clone());
        }
        self.effect = effect;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(id: u32, place: &str) -> Fault {
        let cause = Cause {
            step: 0,
            turn: 0,
            name: "network-loss".to_owned(),
            site: SiteRef::Service { name: place.to_owned() },
            class: Class::K,
        };
        Fault::new((ActId(id), Elapsed(5)), cause, Effect::pending("no packet yet"))
    }

    #[test]
    fn a_pulse_speaks_for_the_others_at_its_place_alone() {
        let one = fault(1, "web");
        assert!(one.speaks_for(&one) && one.speaks_for(&fault(2, "web")));
        assert!(!one.speaks_for(&fault(2, "db")));
    }

    #[test]
    fn what_is_undone_is_watched_no_longer() {
        let mut fault = fault(1, "web");
        assert!(fault.is_watched() && fault.was_on(Elapsed(9)) && !fault.was_on(Elapsed(4)));
        fault.undone = Some(Elapsed(7));
        assert!(!fault.is_watched() && !fault.was_on(Elapsed(9)));
    }
}
