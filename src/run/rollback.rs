//! The way back: the same from every point of a run.

use std::time::Duration;

use super::course::Course;
use super::ending::Ending;
use super::undone::Undone;
use crate::act::ActId;
use crate::agent::{Answer, Host, Request, recover};
use crate::event::What;

/// For undoing everything, beside what services take to stop.
const UNDO: Duration = Duration::from_secs(20);

impl Course<'_> {
    /// Tells why the way back begins early, if it does.
    pub(super) fn tell_ending(&mut self, disturbed: &Result<(), Ending>) {
        if let Err(ending) = disturbed {
            self.recorder.record(What::RollingBack { cause: ending.to_string() });
        }
    }

    /// Undoes the faults, watches the recovery, stops the services, and looks at what is left.
    pub(super) async fn roll_back(&mut self) -> Undone {
        let mut undone = Undone::default();
        self.acknowledge_stop();
        self.revert_faults().await;
        // A method that came to its end is judged, even if the seed left all of it out.
        if self.first_injection.is_some() || self.method_end.is_some() {
            undone.cut_short = self.watch_after().await.err();
        }
        if let Some(sampler) = self.sampler.take() {
            sampler.stop().await;
        }
        let _ = self.drain();
        undone.residue = self.revert_rest().await;
        // It may have said so while nobody waited: what was measured meanwhile means nothing.
        undone.cut_short = undone.cut_short.or(self.surrender.take().map(Ending::AgentLost));
        self.recorder.record(What::ResidueChecked { residue: undone.residue.clone() });
        undone
    }

    /// A wish to stop that was heard is not heard twice.
    fn acknowledge_stop(&mut self) {
        self.tolerated_stops = self.stop.count();
    }

    async fn watch_after(&mut self) -> Result<(), Ending> {
        self.recover().await?;
        // Who stopped the run does not wait for a verdict that it cannot have.
        if self.tolerated_stops > 0 || self.link.is_none() {
            return Ok(());
        }
        self.observe_after().await?;
        // Told before the services stop. What came of half a method is no verdict.
        if self.method_end.is_some() {
            self.findings = Some(self.assess());
        }
        Ok(())
    }

    /// Undoes every fault that is on, the newest first. Without an agent the journal does it.
    async fn revert_faults(&mut self) {
        let open = self.faults.iter().rev().filter(|fault| fault.active);
        for id in open.map(|fault| fault.id).collect::<Vec<_>>() {
            if self.link.is_some() && self.revert(id).await.is_err() {
                self.undo_from_journal();
                return;
            }
        }
    }

    /// Undoes what is left: services, networks, and whatever else the journal has open.
    async fn revert_rest(&mut self) -> Vec<String> {
        let stops = self.setup.plan.services.iter().map(|(service, _)| service.stop.grace.get());
        let takes = stops.sum::<Duration>() + UNDO;
        match self.ask_to_undo_all(takes).await {
            Ok(residue) => residue,
            Err(_) => self.undo_from_journal(),
        }
    }

    async fn ask_to_undo_all(&mut self, takes: Duration) -> Result<Vec<String>, Ending> {
        if self.link.is_none() {
            return Err(Ending::AgentLost("there is none".to_owned()));
        }
        let mut residue = Vec::new();
        match self.ask(Request::RevertAll, takes).await? {
            Ok(Answer::Undone(undone)) => {
                for (act, reverted) in undone {
                    residue.extend(left(act, &reverted));
                    self.note_undone(act, reverted);
                }
            }
            Ok(_) => return Err(self.lose_agent("it answered something else than it was asked")),
            Err(reason) => residue.push(reason),
        }
        let _ = self.drain();
        match self.ask(Request::Residue, takes).await? {
            Ok(Answer::Residue(lines)) => residue.extend(lines),
            Ok(_) => return Err(self.lose_agent("it answered something else than it was asked")),
            Err(reason) => residue.push(format!("the state after could not be read: {reason}")),
        }
        self.ask(Request::Close, takes).await?.map_err(Ending::AgentLost)?;
        if let Some(link) = self.link.take() {
            link.wait_end();
        }
        Ok(residue)
    }

    /// The agent is gone, so its journal is undone here. What could not be is returned.
    fn undo_from_journal(&mut self) -> Vec<String> {
        if let Some(link) = self.link.take() {
            link.end();
        }
        self.notices = None;
        if !self.setup.folder.join("journal").exists() {
            return Vec::new();
        }
        let mut host = Host::for_recovery(&self.setup.run, &self.setup.folder);
        match recover(&self.setup.folder, &mut host) {
            Ok(recovery) => {
                let lines = recovery
                    .undone
                    .iter()
                    .filter_map(|(act, reverted)| left(*act, reverted))
                    .collect();
                for (act, reverted) in recovery.undone {
                    self.note_undone(act, reverted);
                }
                lines
            }
            Err(error) => vec![format!("the journal could not be undone: {error:#}")],
        }
    }
}

/// The line of an act that is not undone.
fn left(act: ActId, reverted: &crate::act::Reverted) -> Option<String> {
    match reverted {
        crate::act::Reverted::Failed { reason, manual } => {
            Some(format!("act {act} is not undone: {reason}; by hand: {manual}"))
        }
        _ => None,
    }
}
