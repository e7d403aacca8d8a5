//! The method: faults injected, looked at, and undone when their time is up.

use std::time::Duration;

use super::course::{Course, Fault};
use super::ending::Ending;
use super::timeline::{self, Due, Moment};
use crate::act::{Act, ActId, Class, Effect, Reverted, SiteRef, Strength};
use crate::agent::{Answer, Request};
use crate::event::What;
use crate::plan::{Entry, PlannedStep};
use crate::sample::{Elapsed, Phase};
use crate::spec::quantity::Duration as Length;

/// What an act may last beyond its step before the agent ends it by itself.
const SLACK: Duration = Duration::from_secs(1);
/// How long the proof of a fault that is over at once is waited for, beside what it takes.
const PROOF: Duration = Duration::from_secs(5);
/// How often such a proof is looked for.
const LOOK: Duration = Duration::from_millis(20);

impl Course<'_> {
    /// Everything up to the end of the last fault.
    pub(super) async fn disturb(&mut self) -> Result<(), Ending> {
        self.prepare().await?;
        self.enter(Phase::During, None);
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

    /// Whether every probe has a sample that was due after the first injection.
    fn all_sampled(&self) -> bool {
        let since = self.first_injection.unwrap_or_default();
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
        for due in timeline::of_entry(&entry.steps) {
            self.hold(after(begin, due.at)).await?;
            if let Some(step) = entry.steps.get(due.step) {
                self.follow(&due, step).await?;
            }
        }
        for step in entry.steps.iter().filter(|step| step.duration.is_none()) {
            self.await_proof(step).await?;
            self.recorder.record(What::StepEnded { step: step.step });
        }
        Ok(())
    }

    async fn follow(&mut self, due: &Due, step: &PlannedStep) -> Result<(), Ending> {
        match due.what {
            Moment::Begin => {
                let (name, planned) = (step.name.clone(), step.duration);
                self.recorder.record(What::StepStarted { step: step.step, name, planned });
                self.inject(step).await
            }
            // A service that is down at the moment is met the next time.
            Moment::Repeat if self.is_down(step) => Ok(()),
            Moment::Repeat => self.inject(step).await,
            Moment::Verify => self.verify(step.step).await,
            Moment::End => {
                self.verify(step.step).await?;
                self.end_step(step.step).await
            }
        }
    }

    /// Performs the acts of a step, each only after the one before.
    async fn inject(&mut self, step: &PlannedStep) -> Result<(), Ending> {
        for planned in &step.acts {
            let (act, fault) = (planned.act.clone(), step.fault.clone());
            let (site, class) = (act.site(), act.class());
            // What has no undo has nothing to end it by either.
            let limit = step.duration.filter(|_| class != Class::X);
            let limit = limit.map(|length| (length.get() + SLACK).into());
            match self.perform(act, limit).await {
                Ok((id, effect)) => {
                    let what = What::Injected {
                        act: id,
                        step: Some(step.step),
                        fault: fault.clone(),
                        site,
                        class,
                        effect: effect.clone(),
                    };
                    let at = self.recorder.record(what);
                    self.first_injection.get_or_insert(at);
                    self.faults.push(Fault::new((id, at), step.step, fault, effect, class));
                }
                Err(ending) => {
                    let reason = ending.to_string();
                    self.recorder.record(What::InjectionFailed {
                        step: Some(step.step),
                        fault,
                        site,
                        reason,
                    });
                    return Err(ending);
                }
            }
        }
        Ok(())
    }

    fn is_down(&self, step: &PlannedStep) -> bool {
        let services = self.services.borrow();
        step.acts.iter().any(|planned| match planned.act.site() {
            SiteRef::Service { name } => !services.contains_key(&name),
            SiteRef::Host | SiteRef::Process(_) => false,
        })
    }

    /// Looks at every fault of a step that is on.
    async fn verify(&mut self, step: usize) -> Result<(), Ending> {
        let ids: Vec<ActId> = self
            .faults
            .iter()
            .filter(|fault| fault.step == step && fault.is_watched())
            .map(|fault| fault.id)
            .collect();
        for id in ids {
            let effect = match self.ask(Request::Verify(id), Duration::ZERO).await? {
                Ok(Answer::Effect(effect)) => effect,
                Ok(_) => continue,
                // What cannot be seen any more proves nothing.
                Err(reason) => Effect::absent(reason),
            };
            self.recorder.record(What::Verified { act: id, effect: effect.clone() });
            if let Some(fault) = self.faults.iter_mut().find(|fault| fault.id == id) {
                fault.see(effect);
            }
        }
        Ok(())
    }

    /// Waits until every act of a step that is over at once has shown its effect, or had its time.
    async fn await_proof(&mut self, step: &PlannedStep) -> Result<(), Ending> {
        let takes: Duration =
            step.acts.iter().map(|planned| takes(&planned.act)).max().unwrap_or_default();
        let limit = after(self.clock.now(), takes + PROOF);
        while self.faults.iter().any(|fault| fault.step == step.step && !fault.proved)
            && self.clock.now() < limit
        {
            self.hold(after(self.clock.now(), LOOK)).await?;
            let pending =
                self.faults.iter().filter(|fault| fault.step == step.step && !fault.proved);
            for id in pending.map(|fault| fault.id).collect::<Vec<_>>() {
                self.look_for_proof(id).await?;
            }
        }
        self.end_step(step.step).await
    }

    async fn look_for_proof(&mut self, id: ActId) -> Result<(), Ending> {
        let Ok(Answer::Effect(effect)) = self.ask(Request::Verify(id), Duration::ZERO).await?
        else {
            return Ok(());
        };
        if effect.strength == Strength::Proved {
            self.recorder.record(What::Verified { act: id, effect: effect.clone() });
        }
        if let Some(fault) = self.faults.iter_mut().find(|fault| fault.id == id) {
            fault.see(effect);
        }
        Ok(())
    }

    /// Undoes the faults of a step, the newest first.
    async fn end_step(&mut self, step: usize) -> Result<(), Ending> {
        let open = self.faults.iter().rev().filter(|fault| fault.step == step && fault.active);
        for id in open.map(|fault| fault.id).collect::<Vec<_>>() {
            // Nothing is put on top of what could not be taken back.
            if !self.revert(id).await? {
                return Err(Ending::Stuck(format!("act {id} could not be undone in time")));
            }
        }
        if self
            .setup
            .plan
            .entries
            .iter()
            .flat_map(|entry| &entry.steps)
            .any(|planned| planned.step == step && planned.duration.is_some())
        {
            self.recorder.record(What::StepEnded { step });
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

impl Fault {
    fn new(
        (id, injected): (ActId, Elapsed),
        step: usize,
        name: String,
        effect: Effect,
        class: Class,
    ) -> Self {
        let mut fault = Self {
            id,
            step,
            name,
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
    const fn is_watched(&self) -> bool {
        self.active || !self.proved
    }

    /// Takes in what was seen of it.
    fn see(&mut self, effect: Effect) {
        self.proved |= effect.strength == Strength::Proved;
        if effect.strength == Strength::Absent && self.lapse.is_none() {
            self.lapse = Some(effect.evidence.clone());
        }
        self.effect = effect;
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

/// A moment later than another by this long.
pub(super) fn after(moment: Elapsed, length: Duration) -> Elapsed {
    Elapsed(moment.0.saturating_add(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)))
}
