//! Which phase a moment belongs to.

use std::cell::RefCell;
use std::rc::Rc;

use crate::sample::{Elapsed, Phase};

/// The phases of a run with the moments they began; shared by cloning. A sample belongs to the
/// phase of the moment it was due, even if it is sent later.
#[derive(Clone, Debug)]
pub struct Phases {
    first: Phase,
    entered: Rc<RefCell<Vec<(Elapsed, Phase)>>>,
}

impl Phases {
    /// Starts in a phase.
    #[must_use]
    pub fn new(first: Phase) -> Self {
        Self { first, entered: Rc::default() }
    }

    /// Enters a phase at a moment not before that of any earlier call.
    pub fn enter(&self, phase: Phase, at: Elapsed) {
        self.entered.borrow_mut().push((at, phase));
    }

    /// The phase at a moment.
    #[must_use]
    pub fn at(&self, moment: Elapsed) -> Phase {
        let entered = self.entered.borrow();
        let latest = entered.iter().rev().find(|(began, _)| *began <= moment);
        latest.map_or(self.first, |(_, phase)| *phase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_belongs_to_the_phase_it_fell_in() {
        let phases = Phases::new(Phase::Before);
        phases.clone().enter(Phase::During, Elapsed(10));
        phases.enter(Phase::Recovery, Elapsed(20));
        let at = [0, 9, 10, 19, 20, 99].map(|moment| phases.at(Elapsed(moment)));
        assert_eq!(at[..2], [Phase::Before; 2]);
        assert_eq!(at[2..4], [Phase::During; 2]);
        assert_eq!(at[4..], [Phase::Recovery; 2]);
    }
}
