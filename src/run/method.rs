//! The method: faults injected, looked at, and undone when their time is up.

use std::time::Duration;

use super::course::Course;
use super::ending::Ending;
use super::fault::{Cause, Fault};
use super::timeline::{self, Due, Moment};
use crate::act::{ActId, Class, Effect, Reverted, SiteRef};
use crate::agent::{Answer, Request};
use crate::event::What;
use crate::plan::{Entry, PlannedStep, Rhythm, Turn};
use crate::sample::{Elapsed, Phase};

/// What an act may last beyond its step before the agent ends it by itself.
const SLACK: Duration = Duration::from_secs(1);
/// How long the proof of a fault that is over at once is waited for, beside what it takes.
pub(super) const PROOF: Duration = Duration::from_secs(5);

impl Course<'_> {
    /// Everything up to the end of the last fault.
    pub(super) async fn disturb(&mut self) -> Result<(), Ending> {
        self.prepare().await?;
        self.enter(Phase::During, None);
        self.method_begin = Some(self.clock.now());
        for entry in self.setup.plan.entries.clone() {
            self.play(&entry).await?;
        }
        self.method_end = Some(self.clock.now());
        self.await_samples().await?;
        // Whoever asked while the last fault was undone will not see what comes after it measured.
        self.obey_stop()
    }

    /// A method that is over at once leaves no time to be measured in: every probe is sampled
    /// once more, so that what follows a fault is seen.
    async fn await_samples(&mut self) -> Result<(), Ending> {
        let probes = self.setup.plan.hypothesis.probes.iter();
        let longest = probes.filter_map(|probe| Some(probe.kind()?.rate().period())).max();
        let limit = after(self.clock.now(), longest.unwrap_or_default() + SLACK);
        while !self.all_sampled() && self.clock.now() < limit {
            self.turn(Duration::from_millis(1)).await?;
        }
        Ok(())
    }

    /// Whether every probe has a sample that was due after the first injection, or after the method
    /// began if it injected nothing.
    fn all_sampled(&self) -> bool {
        let since = self.first_injection.or(self.method_begin).unwrap_or_default();
        self.setup.plan.hypothesis.probes.iter().all(|probe| {
            self.samples
                .iter()
                .rev()
                .any(|sample| sample.probe == probe.name && sample.due >= since)
        })
    }

    async fn play(&mut self, entry: &Entry) -> Result<(), Ending> {
        let begin = self.clock.now();
        if let Some(wait) = entry.wait {
            self.hold(after(begin, wait.get())).await?;
        }
        // Every moment is counted from the beginning, so that being late once delays nothing else.
        for due in timeline::of_entry(&entry.steps) {
            self.hold(after(begin, due.at)).await?;
            if let Some(step) = entry.steps.get(due.step) {
                self.follow(&due, step, begin).await?;
            }
        }
        for step in entry.steps.iter().filter(|step| step.duration.is_none()) {
            self.await_proof(step).await?;
            self.undo_all(step.step, None).await?;
            self.recorder.record(What::StepEnded { step: step.step });
        }
        Ok(())
    }

    async fn follow(
        &mut self,
        due: &Due,
        step: &PlannedStep,
        begin: Elapsed,
    ) -> Result<(), Ending> {
        match due.what {
            Moment::Begin => {
                let (name, planned, manner) = (step.name.clone(), step.duration, step.manner());
                self.recorder.record(What::StepStarted { step: step.step, name, planned, manner });
                Ok(())
            }
            Moment::Perform(number) => {
                let Some(turn) = step.turns.get(number) else { return Ok(()) };
                let end = turn.length().map(|length| after(begin, due.at + length));
                if self.is_missed(step, turn, end) {
                    return Ok(());
                }
                self.inject(step, number, turn).await
            }
            Moment::Verify => self.verify(step.step).await,
            Moment::Undo(turn) => {
                self.verify(step.step).await?;
                self.undo_all(step.step, Some(turn)).await
            }
            Moment::End => {
                self.recorder.record(What::StepEnded { step: step.step });
                Ok(())
            }
        }
    }

    /// Whether a turn after others is let go: what should be over by now is not done in haste, and a
    /// service that is down at the moment is met the next time it is to be killed.
    fn is_missed(&self, step: &PlannedStep, turn: &Turn, end: Option<Elapsed>) -> bool {
        let again = self.faults.iter().any(|fault| fault.step == step.step);
        let late = end.is_some_and(|end| end <= self.clock.now());
        let kills = matches!(step.rhythm, Rhythm::Every(_));
        again && (late || (kills && self.is_down(step, turn)))
    }

    /// Performs the acts of a turn, each only after the one before.
    async fn inject(
        &mut self,
        step: &PlannedStep,
        number: usize,
        turn: &Turn,
    ) -> Result<(), Ending> {
        for planned in step.acts_of(turn) {
            let act = planned.act.clone();
            let (step, name) = (step.step, step.fault.clone());
            let cause = Cause { step, turn: number, name, site: act.site(), class: act.class() };
            // What has no undo has nothing to end it by either.
            let limit = turn.length().filter(|_| cause.class != Class::X);
            let limit = limit.map(|length| (length + SLACK).into());
            match self.perform(act, limit).await {
                Ok((id, effect)) => self.note_injected(id, cause, effect),
                Err(ending) => {
                    // An agent that has given up refuses; that it did is what happened.
                    self.heed()?;
                    self.recorder.record(What::InjectionFailed {
                        step: Some(step),
                        fault: cause.name,
                        site: cause.site,
                        reason: ending.to_string(),
                    });
                    return Err(ending);
                }
            }
        }
        Ok(())
    }

    fn note_injected(&mut self, id: ActId, cause: Cause, effect: Effect) {
        let at = self.recorder.record(What::Injected {
            act: id,
            step: Some(cause.step),
            fault: cause.name.clone(),
            site: cause.site.clone(),
            class: cause.class,
            effect: effect.clone(),
        });
        self.first_injection.get_or_insert(at);
        self.faults.push(Fault::new((id, at), cause, effect));
    }

    fn is_down(&self, step: &PlannedStep, turn: &Turn) -> bool {
        let services = self.services.borrow();
        step.acts_of(turn).any(|planned| match planned.act.site() {
            SiteRef::Service { name } => !services.contains_key(&name),
            SiteRef::Host | SiteRef::Process(_) => false,
        })
    }

    /// Undoes the faults of a step, or of one of its turns, the newest first.
    async fn undo_all(&mut self, step: usize, turn: Option<usize>) -> Result<(), Ending> {
        let meant = |fault: &&Fault| {
            fault.step == step && turn.is_none_or(|turn| fault.turn == turn) && fault.active
        };
        let open = self.faults.iter().rev().filter(meant).map(|fault| fault.id);
        for id in open.collect::<Vec<_>>() {
            // Nothing is put on top of what could not be taken back.
            if !self.revert(id).await? {
                return Err(Ending::Stuck(format!("act {id} could not be undone in time")));
            }
        }
        Ok(())
    }

    /// Has one act undone; whether it is.
    pub(super) async fn revert(&mut self, id: ActId) -> Result<bool, Ending> {
        let undone = match self.ask(Request::Revert(id), PROOF).await? {
            Ok(Answer::Undone(undone)) => undone,
            Ok(_) => return Err(self.lose_agent("it answered something else than it was asked")),
            Err(reason) => {
                let manual = "see `shakedown status`".to_owned();
                vec![(id, Reverted::Failed { reason, manual })]
            }
        };
        let clean = undone.iter().all(|(_, reverted)| reverted.is_clean());
        for (act, reverted) in undone {
            self.note_undone(act, reverted);
        }
        Ok(clean)
    }

    /// Records what an undo came to.
    pub(super) fn note_undone(&mut self, act: ActId, reverted: Reverted) {
        let clean = reverted.is_clean();
        let at = self.recorder.record(What::Undone { act, reverted });
        if let Some(fault) = self.faults.iter_mut().find(|fault| fault.id == act && fault.active) {
            fault.active = !clean;
            fault.undone = Some(at);
            self.last_undo = Some(at);
        }
    }
}

/// A moment later than another by this long.
pub(super) fn after(moment: Elapsed, length: Duration) -> Elapsed {
    Elapsed(moment.0.saturating_add(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)))
}
