//! Services of an experiment: started, kept as their restart policy says, stopped with all their
//! descendants.

mod launch;
mod lineage;
mod state;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use indexmap::IndexMap;

use super::cgroup::Cgroup;
use super::clock::boottime;
use super::process::Process;
use crate::act::{ActId, ProcessId, RestartService, StartService};
use crate::spec::quantity::Signal;
use crate::spec::{Restart, Stop};

pub use launch::Launch;
use lineage::Lineage;
use state::{Down, State};

/// What happened to a service, for the run to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServiceNews {
    /// Its process runs.
    Started {
        /// The service.
        service: String,
        /// The act that started it.
        act: ActId,
        /// Its process.
        process: ProcessId,
        /// How often it was started again.
        restarts: u32,
    },
    /// Its process ended.
    Exited {
        /// The service.
        service: String,
        /// Such as `exit code 1`.
        how: String,
    },
    /// It could not be started again.
    Failed {
        /// The service.
        service: String,
        /// Why.
        reason: String,
    },
}

/// One service.
struct Service {
    act: ActId,
    start: StartService,
    network: Option<OwnedFd>,
    cgroup: Option<Cgroup>,
    state: State,
    restarts: u32,
    /// Every process it ever had: the leaders of the sessions of its descendants.
    leaders: Vec<ProcessId>,
}

/// The services of a run.
pub struct Services {
    launch: Launch,
    services: IndexMap<String, Service>,
    news: Vec<ServiceNews>,
}

impl Services {
    /// No services yet.
    #[must_use]
    pub fn new(launch: Launch) -> Self {
        Self { launch, services: IndexMap::new(), news: Vec::new() }
    }

    /// The control group that a service will have, where the run has one.
    #[must_use]
    pub fn cgroup_of(&self, name: &str) -> Option<PathBuf> {
        self.launch.cgroup.as_ref().map(|group| group.join(name))
    }

    /// Starts a service.
    pub fn start(
        &mut self,
        act: ActId,
        start: StartService,
        network: Option<OwnedFd>,
    ) -> Result<ProcessId> {
        if self.services.contains_key(&start.name) {
            bail!("the service {} runs already", start.name);
        }
        let cgroup = self.cgroup_of(&start.name).map(Cgroup::create).transpose()?;
        let name = start.name.clone();
        let state = State::Stopped;
        let mut service =
            Service { act, start, network, cgroup, state, restarts: 0, leaders: Vec::new() };
        let process = service.launch(&self.launch)?;
        self.news.push(service.started(process));
        self.services.insert(name, service);
        Ok(process)
    }

    /// The process that a service has now.
    pub fn process(&self, name: &str) -> Result<ProcessId> {
        match &self.get(name)?.state {
            State::Running(process) => Ok(process.id()),
            State::Down(_) | State::Stopped => bail!("the service {name} does not run now"),
        }
    }

    /// Begins a restart: the signal now, the rest by [`Self::tick`].
    pub fn restart(&mut self, restart: &RestartService) -> Result<()> {
        let service =
            self.services.get_mut(&restart.service).context("there is no such service")?;
        let State::Running(process) = &service.state else {
            bail!("the service {} does not run now", restart.service)
        };
        process.signal(restart.signal)?;
        crate::failpoint::hit("mid-apply");
        service.state.end_by(restart);
        Ok(())
    }

    /// The processes whose end must be waited for, beside [`Self::next_moment`].
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.services.values().filter_map(|service| service.state.process())
    }

    /// The next moment at which [`Self::tick`] has something to do.
    #[must_use]
    pub fn next_moment(&self) -> Option<Duration> {
        self.services.values().filter_map(|service| service.state.moment()).min()
    }

    /// Notices processes that ended, and does what is due; returns what happened since last time.
    pub fn tick(&mut self) -> Vec<ServiceNews> {
        for service in self.services.values_mut() {
            service.tick(&self.launch, &mut self.news);
        }
        let running: Vec<i32> = self.processes().map(|process| process.id().pid).collect();
        lineage::reap_adopted(&running);
        std::mem::take(&mut self.news)
    }

    /// Starts a service whose restart was cut short at once; `false` if it runs.
    pub fn ensure_running(&mut self, name: &str) -> Result<bool> {
        crate::failpoint::hit("mid-undo");
        let service = self.services.get_mut(name).context("there is no such service")?;
        if matches!(service.state, State::Running(_)) {
            return Ok(false);
        }
        let process = service.launch(&self.launch)?;
        service.restarts += 1;
        let news = service.started(process);
        self.news.push(news);
        Ok(true)
    }

    /// Stops a service with all its descendants, and waits until they are gone.
    pub fn stop(&mut self, name: &str) -> Result<bool> {
        let Some(mut service) = self.services.shift_remove(name) else { return Ok(false) };
        if let Some(process) = service.state.process() {
            process.signal(service.start.stop.signal)?;
            // What is stopped cannot hear the signal.
            process.signal(Signal::CONT)?;
            if !process.wait_end(service.start.stop.grace.get())? {
                process.signal(Signal::KILL)?;
                if !process.wait_end(Duration::from_secs(2))? {
                    bail!("process {} of the service {name} does not end", process.id());
                }
            }
            let how = launch::reap(process);
            self.news.push(ServiceNews::Exited { service: name.to_owned(), how });
        }
        service.state = State::Stopped;
        crate::failpoint::hit("mid-undo");
        self.lineage(name, &service.leaders, service.cgroup.as_ref().map(Cgroup::path)).end()?;
        if self.services.is_empty() {
            lineage::end_adopted()?;
        }
        Ok(true)
    }

    /// Stops what an agent that died left of a service: its recorded processes, and what descends
    /// from them. Returns whether anything was there.
    pub fn stop_orphans(
        &self,
        name: &str,
        leaders: &[ProcessId],
        stop: Stop,
        cgroup: Option<&Path>,
    ) -> Result<bool> {
        self.lineage(name, leaders, cgroup).stop(stop)
    }

    fn lineage<'a>(
        &'a self,
        service: &'a str,
        leaders: &'a [ProcessId],
        cgroup: Option<&'a Path>,
    ) -> Lineage<'a> {
        Lineage { run: &self.launch.run, service, leaders, cgroup }
    }

    fn get(&self, name: &str) -> Result<&Service> {
        self.services.get(name).with_context(|| format!("there is no service {name}"))
    }
}

impl Service {
    fn launch(&mut self, launch: &Launch) -> Result<ProcessId> {
        let process = launch.start(&self.start, self.network.as_ref(), self.cgroup.as_ref())?;
        let id = process.id();
        self.leaders.push(id);
        self.state = State::Running(process);
        Ok(id)
    }

    fn started(&self, process: ProcessId) -> ServiceNews {
        let service = self.start.name.clone();
        ServiceNews::Started { service, act: self.act, process, restarts: self.restarts }
    }

    fn tick(&mut self, launch: &Launch, news: &mut Vec<ServiceNews>) {
        if let Some(down) = self.notice_end(news) {
            self.state = down;
        }
        self.state.kill_if_due();
        if self.state.is_start_due(boottime()) {
            self.restarts += 1;
            match self.launch(launch) {
                Ok(process) => news.push(self.started(process)),
                Err(error) => {
                    self.state = State::Stopped;
                    let (service, reason) = (self.start.name.clone(), format!("{error:#}"));
                    news.push(ServiceNews::Failed { service, reason });
                }
            }
        }
    }

    /// The state that follows from the end of its process.
    fn notice_end(&self, news: &mut Vec<ServiceNews>) -> Option<State> {
        let process = self.state.process()?;
        if !process.ended().unwrap_or(false) {
            return None;
        }
        let how = launch::reap(process);
        let failed = how != "exit code 0";
        news.push(ServiceNews::Exited { service: self.start.name.clone(), how });
        let again = match self.start.restart {
            Restart::Always => true,
            Restart::OnFailure => failed,
            Restart::Never => false,
        };
        Some(match self.state.pending_restart() {
            Some(down) => State::Down(Down::until(boottime() + down)),
            None if again => State::Down(Down::until(boottime() + self.start.restart_delay.get())),
            None => State::Stopped,
        })
    }
}
