//! Performing a recorded act: what it takes is held until its undo.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Host;
use super::held::{self, Held};
use super::network::{self, Chained, Filtered, Misnamed, Proxied, Queued, Reset, Shaped};
use crate::act::{Act, ActId, SendSignal, StartService, Traffic, Undo};
use crate::agent::journal::Recorded;
use crate::spec::{Engine, template};
use crate::sys::clock::boottime;
use crate::sys::net::nft::Action;
use crate::sys::net::{Bridge, Namespace};
use crate::sys::process::Process;
use crate::sys::stress::Stress;

impl Host {
    /// Performs a recorded act, and returns what holds it.
    pub(super) fn take(&mut self, recorded: &Recorded) -> Result<Held> {
        let (id, undo) = (recorded.id(), recorded.undo().own());
        let addressed = self.named.get(&id).map(|named| named.addressed(recorded.act()));
        let addressed = addressed.transpose()?;
        Ok(match addressed.as_ref().unwrap_or(recorded.act()) {
            Act::JoinNetwork(join) => {
                let Undo::LeaveNetwork { interface, mac } = undo else {
                    bail!("the undo of a network is none")
                };
                let leg = network::recorded_leg(interface, *mac);
                self.bridge = Some(Bridge::create(&Namespace::current()?, join, leg)?);
                Held::Network { addresses: join.addresses.clone() }
            }
            Act::StartService(start) => {
                let network = self.network_of(start)?;
                let process = self.services.start(id, start.clone(), network)?;
                Held::Service { name: start.name.clone(), process }
            }
            Act::Signal(send) => self.signal(id, send)?,
            Act::Restart(restart) => {
                let before = self.target(id)?.id();
                self.services.restart(restart)?;
                Held::Restarted { service: restart.service.clone(), before, since: boottime() }
            }
            Act::Pause(_) => held::pause(self.target(id)?, undo)?,
            Act::Stress(stress) => {
                let target = self.target(id)?;
                let limit = stress.duration.get();
                Held::Stressed(Stress::start(target.id(), stress.cores, stress.load, limit)?)
            }
            Act::FillDisk(fill) => {
                // The very directory that was permitted, whatever its path leads to by now.
                let directory = self.directories.remove(&id);
                held::fill(
                    directory.context("no directory was looked up before")?,
                    fill.amount,
                    undo,
                )?
            }
            Act::Filter(filter) => {
                let action = network::action_of(filter.mode);
                self.filter(id, &filter.traffic, action, undo)?
            }
            Act::Shape(shape) if matches!(shape.engine, Engine::Nft | Engine::Iptables) => {
                let action = network::loss_of(&shape.impairment)?;
                self.filter(id, &shape.traffic, action, undo)?
            }
            Act::FailDns(fault) => Held::Misnamed(Misnamed::start(self.place(id)?, fault, undo)?),
            Act::Shape(shape) if shape.engine == Engine::Queue => {
                Held::Queued(Box::new(Queued::start(self.place(id)?, shape, undo)?))
            }
            Act::Shape(shape) => {
                Held::Shaped(Box::new(Shaped::start(self.namespace(id)?, shape, undo)?))
            }
            Act::Cut(cut) => {
                let owner = self.owner(id, &cut.site)?;
                Held::Cut(Box::new(Reset::start(self.place(id)?, &owner, cut, undo)?))
            }
            Act::Proxy(proxy) => {
                Held::Proxied(Box::new(Proxied::start(self.namespace(id)?, proxy, undo)?))
            }
        })
    }

    /// Drops, refuses or loses packets, by what the undo will delete.
    fn filter(
        &mut self,
        id: ActId,
        traffic: &Traffic,
        action: Action,
        undo: &Undo,
    ) -> Result<Held> {
        Ok(match undo {
            Undo::DropTable { table, .. } => {
                Held::Filtered(Filtered::start(self.place(id)?, traffic, action, table)?)
            }
            Undo::RemoveChains { chains, .. } => {
                Held::Chained(Chained::start(self.namespace(id)?, traffic, action, chains)?)
            }
            _ => bail!("the undo of a filter is none"),
        })
    }

    fn signal(&mut self, id: ActId, send: &SendSignal) -> Result<Held> {
        let process = self.target(id)?;
        let sent = boottime();
        if !process.signal(send.signal)? {
            bail!("{} had ended before the signal", send.site);
        }
        crate::failpoint::hit("mid-apply");
        if let Some(after) = send.kill_after {
            let again = Process::open(process.id())?;
            self.escalations.extend(again.map(|process| (sent + after.get(), process)));
        }
        Held::signalled(process, send, sent)
    }

    /// A new network namespace for a service that has one of its own.
    fn network_of(&mut self, start: &StartService) -> Result<Option<OwnedFd>> {
        if start.addresses.is_empty() {
            return Ok(None);
        }
        let bridge = self.bridge.as_mut().context("the run has no network of its own")?;
        bridge.attach(&start.addresses).map(|namespace| Some(namespace.into()))
    }

    /// A path with `${run.dir}` filled in.
    pub(super) fn filled(&self, path: &Path) -> Result<PathBuf> {
        let folder = self.folder.display().to_string();
        let value = |name: &str| (name == "run.dir").then(|| folder.clone());
        Ok(PathBuf::from(template::fill(&path.display().to_string(), value)?))
    }
}
