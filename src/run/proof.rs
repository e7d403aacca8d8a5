//! Whether the faults that are on take effect, looked at while they are.

use std::time::Duration;

use super::course::Course;
use super::ending::Ending;
use super::method::{PROOF, after};
use crate::act::{Act, ActId, Effect, Strength};
use crate::agent::{Answer, Request};
use crate::event::What;
use crate::plan::PlannedStep;
use crate::spec::quantity::Duration as Length;

/// How often the proof of a fault that is over at once is looked for.
const LOOK: Duration = Duration::from_millis(20);

impl Course<'_> {
    /// Looks at every fault of a step that is on.
    pub(super) async fn verify(&mut self, step: usize) -> Result<(), Ending> {
        let watched = self.faults.iter().filter(|fault| fault.step == step && fault.is_watched());
        for id in watched.map(|fault| fault.id).collect::<Vec<_>>() {
            let effect = match self.ask(Request::Verify(id), Duration::ZERO).await? {
                Ok(Answer::Effect(effect)) => effect,
                Ok(_) => continue,
                // What cannot be seen any more proves nothing.
                Err(reason) => Effect::absent(reason),
            };
            self.recorder.record(What::Verified { act: id, effect: effect.clone() });
            self.see(id, effect);
        }
        Ok(())
    }

    /// Waits until every act of a step that is over at once has shown its effect, or had its time.
    pub(super) async fn await_proof(&mut self, step: &PlannedStep) -> Result<(), Ending> {
        let takes = step.acts.iter().map(|planned| takes(&planned.act)).max().unwrap_or_default();
        let limit = after(self.clock.now(), takes + PROOF);
        while self.clock.now() < limit {
            let unproved = |fault: &&super::fault::Fault| fault.step == step.step && !fault.proved;
            if !self.faults.iter().any(|fault| unproved(&fault)) {
                break;
            }
            self.hold(after(self.clock.now(), LOOK)).await?;
            let pending = self.faults.iter().filter(unproved).map(|fault| fault.id);
            for id in pending.collect::<Vec<_>>() {
                self.look_for_proof(id).await?;
            }
        }
        Ok(())
    }

    async fn look_for_proof(&mut self, id: ActId) -> Result<(), Ending> {
        let Ok(Answer::Effect(effect)) = self.ask(Request::Verify(id), Duration::ZERO).await?
        else {
            return Ok(());
        };
        if effect.strength == Strength::Proved {
            self.recorder.record(What::Verified { act: id, effect: effect.clone() });
        }
        self.see(id, effect);
        Ok(())
    }

    fn see(&mut self, id: ActId, effect: Effect) {
        if let Some(fault) = self.faults.iter_mut().find(|fault| fault.id == id) {
            fault.see(effect);
        }
    }
}

/// How long an act may take by itself until its effect shows.
fn takes(act: &Act) -> Duration {
    match act {
        Act::Signal(send) => send.kill_after.map(Length::get).unwrap_or_default(),
        Act::Restart(restart) => restart.kill_after.get() + restart.down.get(),
        _ => Duration::ZERO,
    }
}
