//! The real machine: what performs, verifies and reverts acts, and holds what they made.

mod effects;
mod held;
mod network;
mod prepare;
mod reach;
mod revert;
mod snapshot;
mod take;

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::journal::Recorded;
use super::lock::Lock;
use super::protocol::Notice;
use super::system::System;
use crate::act::{Act, ActId, Effect, Observed, Reverted, SiteRef, Undo};
use crate::spec::Engine;
use crate::spec::quantity::Signal;
use crate::sys::clock::boottime;
use crate::sys::disk::Directory;
use crate::sys::net::{Bridge, Namespace};
use crate::sys::process::Process;
use crate::sys::service::{Launch, ServiceNews, Services};
use held::Held;
use network::{Named, Queued, Share};
use snapshot::Snapshot;

/// This machine, seen by one run.
pub struct Host {
    run: String,
    folder: PathBuf,
    services: Services,
    /// What performed acts hold; dropping one lets go of it.
    held: BTreeMap<ActId, Held>,
    /// The processes found for acts that are about to be performed.
    found: BTreeMap<ActId, Process>,
    /// SIGKILL for what still lives at a moment.
    escalations: Vec<(Duration, Process)>,
    before: Snapshot,
    /// What no other run may do meanwhile.
    locks: BTreeMap<ActId, Rc<Lock>>,
    /// The run's own network.
    bridge: Option<Bridge>,
    /// The namespaces and directories that acts are about to be performed in.
    namespaces: BTreeMap<ActId, Namespace>,
    /// The peers that acts name.
    named: BTreeMap<ActId, Named>,
    /// Their targets' part of those that they share with others.
    shares: BTreeMap<ActId, Share>,
    directories: BTreeMap<ActId, Directory>,
}

impl Host {
    /// This machine, for a run with this folder.
    #[must_use]
    pub fn new(launch: Launch) -> Self {
        Self {
            run: launch.run.clone(),
            folder: launch.folder.clone(),
            services: Services::new(launch),
            held: BTreeMap::new(),
            found: BTreeMap::new(),
            escalations: Vec::new(),
            before: Snapshot::default(),
            locks: BTreeMap::new(),
            bridge: None,
            namespaces: BTreeMap::new(),
            named: BTreeMap::new(),
            shares: BTreeMap::new(),
            directories: BTreeMap::new(),
        }
    }

    /// This machine, for undoing what a run left whose agent is gone: it starts nothing.
    #[must_use]
    pub fn for_recovery(run: &str, folder: &Path) -> Self {
        Self::new(Launch {
            run: run.to_owned(),
            folder: folder.to_owned(),
            cgroup: None,
            environment: Vec::new(),
            secrets: BTreeMap::new(),
        })
    }

    /// The process at a site, held by a pidfd from now on.
    fn find(&self, site: &SiteRef) -> Result<Process> {
        let id = match site {
            SiteRef::Host => bail!("the host itself is no process"),
            SiteRef::Process(id) => *id,
            SiteRef::Service { name } => self.services.process(name)?,
        };
        Process::open(id)?.with_context(|| format!("{site} has ended"))
    }

    /// Has acts done to the addresses that their peers have got meanwhile.
    fn follow_names(&mut self) {
        for (id, named) in &mut self.named {
            // An act that is about to be performed learns of them then.
            let Some(held) = self.held.get_mut(id) else { continue };
            if let Some(traffic) = named.news() {
                let done = traffic.and_then(|traffic| held.aim_at(&traffic));
                named.noted(done);
            }
        }
    }

    /// The queues in the namespace from which an undo takes chains of a packet filter.
    fn queues_beside(&mut self, undo: &Undo) -> impl Iterator<Item = &mut Queued> {
        let namespace = undo.unfiltered();
        self.held.values_mut().filter_map(move |held| match held {
            Held::Queued(queued) if namespace.is_some_and(|it| queued.is_in(it)) => {
                Some(queued.as_mut())
            }
            _ => None,
        })
    }

    /// The process an act is about: found before its undo was written down, and still the same.
    fn target(&mut self, id: ActId) -> Result<Process> {
        self.found.remove(&id).context("the act's target was not looked up before")
    }
}

impl System for Host {
    fn check(&self, act: &Act) -> Result<()> {
        match act {
            Act::Filter(filter) => {
                network::check_filter(filter.engine, network::action_of(filter.mode))
            }
            Act::FailDns(_) => network::check_dns(),
            Act::Shape(shape) => match shape.engine {
                Engine::Nft | Engine::Iptables => {
                    network::check_filter(shape.engine, network::loss_of(&shape.impairment)?)
                }
                Engine::Queue => network::check_queue(shape),
                Engine::Netem | Engine::Tbf => network::check_shape(shape),
            },
            Act::Proxy(proxy) => network::check_proxy(proxy),
            Act::Cut(cut) => network::check_cut(cut),
            _ => Ok(()),
        }
    }

    fn undo_of(&mut self, id: ActId, act: &Act) -> Result<Undo> {
        self.prepare(id, act)
    }

    fn perform(&mut self, recorded: Recorded) -> Result<(Effect, Observed)> {
        let id = recorded.id();
        let held = self.take(&recorded)?;
        let observed = Observed { processes: held.processes() };
        self.held.insert(id, held);
        Ok((self.verify(id)?, observed))
    }

    fn verify(&mut self, id: ActId) -> Result<Effect> {
        let held = self.held.get(&id).context("the act is not in effect")?;
        let effect = held.effect(&self.services)?;
        Ok(match self.named.get(&id) {
            Some(named) => named.effect(&effect),
            None => effect,
        })
    }

    fn revert(&mut self, id: ActId, undo: &Undo, observed: &Observed) -> Reverted {
        self.found.remove(&id);
        self.namespaces.remove(&id);
        self.named.remove(&id);
        self.shares.remove(&id);
        self.directories.remove(&id);
        let held = self.held.remove(&id);
        self.queues_beside(undo).for_each(Queued::suspend);
        let outcome = revert::revert((&mut self.services, &mut self.bridge), held, undo, observed);
        self.queues_beside(undo).for_each(Queued::resume);
        self.locks.remove(&id);
        match outcome {
            Ok(reverted) => reverted,
            Err(error) => Reverted::Failed {
                reason: format!("{error:#}"),
                manual: super::undo_text::manual(undo, observed).join("; "),
            },
        }
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let paused = self.held.values().filter_map(Held::awaited);
        let named = self.named.values().map(AsFd::as_fd);
        self.services.processes().chain(paused).map(AsFd::as_fd).chain(named).collect()
    }

    fn next_moment(&self) -> Option<Duration> {
        let escalation = self.escalations.iter().map(|(moment, _)| *moment).min();
        let held = self.held.values().filter_map(Held::next_moment).min();
        [escalation, held, self.services.next_moment()].into_iter().flatten().min()
    }

    fn tick(&mut self) -> Vec<Notice> {
        let now = boottime();
        // An error here means that the process is gone, which is what was wanted.
        let due = self.escalations.extract_if(.., |(moment, _)| *moment <= now);
        due.for_each(|(_, process)| drop(process.signal(Signal::KILL)));
        self.held.values_mut().for_each(|held| held.tick(now));
        self.follow_names();
        self.services.tick().into_iter().map(notice).collect()
    }

    fn residue(&mut self) -> Vec<String> {
        self.before.residue()
    }
}

fn notice(news: ServiceNews) -> Notice {
    match news {
        ServiceNews::Started { service, act, process, restarts } => {
            Notice::ServiceStarted { service, act, process, restarts }
        }
        ServiceNews::Exited { service, how } => Notice::ServiceExited { service, how },
        ServiceNews::Failed { service, reason } => Notice::ServiceFailed { service, reason },
    }
}
