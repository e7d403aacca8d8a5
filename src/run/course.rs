//! A run on its way: what it holds, and how it waits.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::Setup;
use super::ending::Ending;
use super::fault::Fault;
use super::findings::Findings;
use super::recorder::Recorder;
use super::stop::Stop;
use crate::act::{ActId, ProcessId};
use crate::agent::Notice;
use crate::clock::RunClock;
use crate::event::What;
use crate::link::Link;
use crate::probe::{Phases, Sampler};
use crate::sample::{Elapsed, Phase, Sample};
use crate::verdict::{AbortWatch, RecoveryWatch};

/// What is known of the services' processes; probes look here.
pub(super) type ServiceTable = Rc<RefCell<BTreeMap<String, ProcessId>>>;

/// A run on its way.
pub(super) struct Course<'a> {
    pub(super) setup: Setup,
    pub(super) clock: RunClock,
    pub(super) recorder: Recorder<'a>,
    pub(super) stop: &'a Stop,
    pub(super) link: Option<Link>,
    pub(super) notices: Option<mpsc::UnboundedReceiver<Notice>>,
    pub(super) services: ServiceTable,
    pub(super) phases: Phases,
    pub(super) sampler: Option<Sampler>,
    pub(super) incoming: (mpsc::UnboundedSender<Sample>, mpsc::UnboundedReceiver<Sample>),
    pub(super) samples: Vec<Sample>,
    pub(super) aborts: Vec<AbortWatch>,
    pub(super) recoveries: Vec<RecoveryWatch>,
    /// The services that have passed their ready checks.
    pub(super) ready: BTreeSet<String>,
    pub(super) faults: Vec<Fault>,
    /// What the measurements say, as soon as they are complete.
    pub(super) findings: Option<Findings>,
    pub(super) last_act: u32,
    pub(super) first_injection: Option<Elapsed>,
    pub(super) last_undo: Option<Elapsed>,
    pub(super) method_begin: Option<Elapsed>,
    pub(super) method_end: Option<Elapsed>,
    /// How many wishes to stop were taken notice of.
    pub(super) tolerated_stops: u32,
    /// Why the agent undid everything by itself, if it did.
    pub(super) surrender: Option<String>,
    /// Acts that the agent ended because this process did not in time.
    pub(super) expired: VecDeque<ActId>,
}

/// How often the audience may draw.
const TICK: Duration = Duration::from_millis(100);

impl<'a> Course<'a> {
    pub(super) fn new(
        setup: Setup,
        clock: RunClock,
        recorder: Recorder<'a>,
        stop: &'a Stop,
    ) -> Self {
        Self {
            setup,
            clock,
            recorder,
            stop,
            link: None,
            notices: None,
            services: ServiceTable::default(),
            phases: Phases::new(Phase::Before),
            sampler: None,
            incoming: mpsc::unbounded_channel(),
            samples: Vec::new(),
            aborts: Vec::new(),
            recoveries: Vec::new(),
            ready: BTreeSet::new(),
            faults: Vec::new(),
            findings: None,
            last_act: 0,
            first_injection: None,
            last_undo: None,
            method_begin: None,
            method_end: None,
            tolerated_stops: 0,
            surrender: None,
            expired: VecDeque::new(),
        }
    }

    /// Begins a phase now.
    pub(super) fn enter(&mut self, phase: Phase, planned: Option<crate::spec::quantity::Duration>) {
        let at = self.recorder.record(What::PhaseStarted { phase, planned });
        self.phases.enter(phase, at);
    }

    /// Waits until a moment while samples and notices are taken in; cut short by whatever ends
    /// the run.
    pub(super) async fn hold(&mut self, until: Elapsed) -> Result<(), Ending> {
        loop {
            self.obey_stop()?;
            self.heed()?;
            let left = until.since(self.clock.now());
            if left.is_zero() {
                return Ok(());
            }
            self.turn(left).await?;
        }
    }

    /// Ends the run if somebody wants that who was not heard before.
    pub(super) fn obey_stop(&mut self) -> Result<(), Ending> {
        match self.stop.asked() {
            Some(signal) if self.stop.count() > self.tolerated_stops => {
                self.recorder.record(What::Interrupted { by: signal.to_owned() });
                Err(Ending::Interrupted(signal.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Waits for one thing to happen, at most this long and never longer than a tick.
    pub(super) async fn turn(&mut self, at_most: Duration) -> Result<(), Ending> {
        tokio::select! {
            biased;
            () = self.stop.next() => Ok(()),
            notice = next_notice(&mut self.notices) => self.take_notice(notice),
            Some(sample) = self.incoming.1.recv() => self.take_sample(sample),
            () = tokio::time::sleep(at_most.min(TICK)) => {
                self.recorder.tick();
                Ok(())
            }
        }
    }

    /// Records a sample, and looks whether it makes an abort condition true.
    pub(super) fn take_sample(&mut self, sample: Sample) -> Result<(), Ending> {
        self.recorder.record(What::Sampled(sample.clone()));
        self.recoveries.iter_mut().for_each(|watch| watch.observe(&sample));
        let probe = sample.probe.clone();
        let watched = self.phases.at(self.clock.now()) == Phase::During;
        if watched && !self.faults.is_empty() {
            crate::failpoint::hit("probing");
        }
        let reason = self.aborts.iter_mut().find_map(|watch| watch.observe(&sample));
        self.samples.push(sample);
        match reason {
            Some(reason) if watched => {
                self.recorder
                    .record(What::AbortTriggered { probe: probe.clone(), reason: reason.clone() });
                Err(Ending::Aborted(format!("{probe}: {reason}")))
            }
            _ => Ok(()),
        }
    }

    /// Records what the agent said unasked. No notice means that there is no agent any more.
    pub(super) fn take_notice(&mut self, notice: Option<Notice>) -> Result<(), Ending> {
        match notice {
            Some(Notice::ServiceStarted { service, process, restarts, .. }) => {
                self.services.borrow_mut().insert(service.clone(), process);
                self.recorder.record(What::ServiceStarted { service, pid: process.pid, restarts });
                Ok(())
            }
            Some(Notice::ServiceExited { service, how }) => {
                self.services.borrow_mut().remove(&service);
                self.recorder
                    .record(What::ServiceExited { service: service.clone(), how: how.clone() });
                self.require_service(&service, &how)
            }
            Some(Notice::ServiceFailed { service, reason }) => {
                self.recorder.record(What::ServiceExited { service, how: reason });
                Ok(())
            }
            Some(Notice::Expired { act, reverted }) => {
                self.expired.push_back(act);
                self.note_undone(act, reverted);
                Ok(())
            }
            Some(Notice::GaveUp { reason, undone }) => {
                for (act, reverted) in undone {
                    self.note_undone(act, reverted);
                }
                self.surrender = Some(reason.clone());
                Err(self.lose_agent(&reason))
            }
            None => Err(self.lose_agent("it ended")),
        }
    }

    /// Records that there is no agent to ask any more.
    pub(super) fn lose_agent(&mut self, reason: &str) -> Ending {
        self.recorder.record(What::AgentLost { reason: reason.to_owned() });
        Ending::AgentLost(reason.to_owned())
    }

    /// Takes in what has arrived already, without waiting. Nothing is aborted any more by samples
    /// that are drained; the first notice that ends the run is returned.
    pub(super) fn drain(&mut self) -> Result<(), Ending> {
        while let Ok(sample) = self.incoming.1.try_recv() {
            let _ = self.take_sample(sample);
        }
        self.heed()
    }

    /// Takes in what the agent has said already, without waiting; the first that ends the run is
    /// returned.
    pub(super) fn heed(&mut self) -> Result<(), Ending> {
        let mut ending = Ok(());
        while let Some(notice) = self.notices.as_mut().and_then(|notices| notices.try_recv().ok()) {
            let taken = self.take_notice(Some(notice));
            ending = ending.and(taken);
        }
        ending
    }

    /// The number of the next act.
    pub(super) fn next_act(&mut self) -> ActId {
        self.last_act += 1;
        ActId(self.last_act)
    }
}

/// The next notice; never, where there is no agent yet.
async fn next_notice(notices: &mut Option<mpsc::UnboundedReceiver<Notice>>) -> Option<Notice> {
    match notices {
        Some(notices) => notices.recv().await,
        None => std::future::pending().await,
    }
}
