//! Performing a recorded act: what it takes is held until its undo.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::Host;
use super::held::{self, Held};
use super::network::{self, Filtered, Shaped};
use crate::act::{Act, ActId, SendSignal, StartService, Undo};
use crate::agent::journal::Recorded;
use crate::spec::{Network, template};
use crate::sys::clock::boottime;
use crate::sys::net::{Bridge, Namespace};
use crate::sys::process::Process;
use crate::sys::stress::Stress;

impl Host {
    /// Performs a recorded act, and returns what holds it.
    pub(super) fn take(&mut self, recorded: &Recorded) -> Result<Held> {
        let (id, undo) = (recorded.id(), recorded.undo());
        Ok(match recorded.act() {
            Act::JoinNetwork(join) => {
                let Undo::LeaveNetwork { interface, mac } = undo else {
                    bail!("the undo of a network is none")
                };
                let leg = network::recorded_leg(interface, *mac);
                self.bridge = Some(Bridge::create(&Namespace::current()?, join, leg)?);
                Held::Network { subnet: join.subnet }
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
                Held::Filtered(Filtered::start(self.namespace(id)?, filter, undo)?)
            }
            Act::Shape(shape) => Held::Shaped(Shaped::start(self.namespace(id)?, shape, undo)?),
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
        if start.network == Network::Host {
            return Ok(None);
        }
        let bridge = self.bridge.as_mut().context("the run has no network of its own")?;
        let address =
            start.address.with_context(|| format!("the service {} has no address", start.name))?;
        bridge.attach(address).map(|namespace| Some(namespace.into()))
    }

    fn namespace(&mut self, id: ActId) -> Result<Namespace> {
        self.namespaces.remove(&id).context("the act's network namespace was not looked up before")
    }

    /// A path with `${run.dir}` filled in.
    pub(super) fn filled(&self, path: &Path) -> Result<PathBuf> {
        let folder = self.folder.display().to_string();
        let value = |name: &str| (name == "run.dir").then(|| folder.clone());
        Ok(PathBuf::from(template::fill(&path.display().to_string(), value)?))
    }
}
