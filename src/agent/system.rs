//! The door to side effects: the real machine, and the one that tests crash in memory.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use anyhow::Result;

use super::journal::Recorded;
use super::protocol::Notice;
use crate::act::{Act, ActId, Effect, Observed, Reverted, Undo};

/// What performs and reverts. Nothing performs without [`Recorded`], which only the journal makes.
pub trait System {
    /// Whether this machine can perform such an act at all, found out by trying where nobody is.
    fn check(&self, act: &Act) -> Result<()>;

    /// The state before, as what takes the act back. Reads only.
    fn undo_of(&mut self, id: ActId, act: &Act) -> Result<Undo>;

    /// Performs an act whose undo is in the journal. On an error nothing of it is left.
    fn perform(&mut self, recorded: Recorded) -> Result<(Effect, Observed)>;

    /// Looks whether an act is still in effect.
    fn verify(&mut self, id: ActId) -> Result<Effect>;

    /// Takes an act back, and reads back that it is gone. Twice is the same as once.
    fn revert(&mut self, id: ActId, undo: &Undo, observed: &Observed) -> Reverted;

    /// Descriptors that become readable when [`Self::tick`] has something to do.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>>;

    /// The next moment on `CLOCK_BOOTTIME` at which [`Self::tick`] has something to do.
    fn next_moment(&self) -> Option<Duration>;

    /// Does what is due; what happened, for the controller to tell.
    fn tick(&mut self) -> Vec<Notice>;

    /// What differs from the state before the first act and is ours, one line each.
    fn residue(&mut self) -> Vec<String>;
}
