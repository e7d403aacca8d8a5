//! Before an act: its target is found and held, the state before is read, and the undo follows.

use std::path::Path;
use std::rc::Rc;

use anyhow::Result;

use super::{Host, effects, network};
use crate::act::{Act, ActId, Pause, PauseHold, SiteRef, Undo};
use crate::agent::lock::Lock;
use crate::spec::PauseMethod;
use crate::sys::disk::Directory;
use crate::sys::pause::Freezer;
use crate::sys::process::Process;

impl Host {
    /// The undo of an act, complete before it is performed. Reads, locks and holds; changes nothing.
    pub(super) fn prepare(&mut self, id: ActId, act: &Act) -> Result<Undo> {
        match act {
            Act::JoinNetwork(_) => {
                let leg = network::new_leg(&self.run);
                Ok(Undo::LeaveNetwork { interface: leg.interface, mac: leg.mac.0 })
            }
            Act::StartService(start) => Ok(Undo::StopService {
                name: start.name.clone(),
                stop: start.stop,
                cgroup: self.services.cgroup_of(&start.name),
            }),
            Act::Signal(_) => self.hold_target(id, act).map(|()| Undo::Irreversible),
            Act::Restart(restart) => {
                self.hold_target(id, act)?;
                Ok(Undo::EnsureRunning { name: restart.service.clone() })
            }
            Act::Pause(pause) => {
                let process = self.lock_target(id, act, "pause")?;
                let undo = self.undo_of_pause(id, pause, &process);
                self.found.insert(id, process);
                undo
            }
            Act::Stress(_) => {
                let process = self.lock_target(id, act, "stress")?;
                let undo = Undo::StopStress { beside: process.id() };
                self.found.insert(id, process);
                Ok(undo)
            }
            Act::FillDisk(fill) => {
                let directory = self.directory(&fill.site, &fill.path)?;
                directory.permit(&self.folder, &fill.allow)?;
                self.lock(id, &format!("disk-{}", directory.device()?))?;
                let name = format!(".shakedown-{}-{id}", self.run);
                let file =
                    (!directory.has_unnamed_files()).then(|| directory.named(&name)).transpose()?;
                self.directories.insert(id, directory);
                Ok(Undo::FreeDisk { file })
            }
            Act::Filter(_) | Act::Shape(_) => self.prepare_network(id, act),
        }
    }

    fn prepare_network(&mut self, id: ActId, act: &Act) -> Result<Undo> {
        let namespace = network::namespace_of(&self.find(&act.site())?)?;
        let number = namespace.id().ino;
        let undo = if let Act::Filter(_) = act {
            // Filters of one run add up; those of two would not know of each other.
            self.lock(id, &format!("filter-{number}"))?;
            Ok(network::undo_of_filter(
                &namespace,
                format!("shakedown_{}_{id}", self.run.replace('-', "_")),
            ))
        } else {
            self.lock(id, &format!("shape-{number}"))?;
            network::undo_of_shape(&namespace, id.0)
        };
        self.namespaces.insert(id, namespace);
        undo
    }

    fn hold_target(&mut self, id: ActId, act: &Act) -> Result<()> {
        let process = self.find(&act.site())?;
        self.found.insert(id, process);
        Ok(())
    }

    /// Finds a target that nobody else may do the same to, and notes its state.
    fn lock_target(&mut self, id: ActId, act: &Act, kind: &str) -> Result<Process> {
        let process = self.find(&act.site())?;
        let who = process.id();
        self.lock(id, &format!("{kind}-{}-{}", who.pid, who.start_time))?;
        self.before.add_process(&process)?;
        Ok(process)
    }

    /// Locks an object for an act. Whether acts of this run may share it is for them to know.
    fn lock(&mut self, id: ActId, object: &str) -> Result<()> {
        let shared = self.locks.values().find(|lock| lock.is_of(object)).map(Rc::clone);
        let lock = match shared {
            Some(lock) if object.starts_with("filter") => lock,
            _ => Rc::new(Lock::take(object, &self.run)?),
        };
        self.locks.insert(id, lock);
        Ok(())
    }

    fn undo_of_pause(&self, id: ActId, pause: &Pause, process: &Process) -> Result<Undo> {
        let freezer = || -> Result<PauseHold> {
            let freezer = Freezer::plan(process, &format!("shakedown-{}-{id}", self.run))?;
            Ok(PauseHold::Freezer {
                group: freezer.group().to_owned(),
                origin: freezer.origin().to_owned(),
            })
        };
        let hold = match pause.method {
            PauseMethod::Ptrace => PauseHold::Ptrace,
            PauseMethod::Auto if effects::is_traceable(process)? => PauseHold::Ptrace,
            PauseMethod::Auto | PauseMethod::Freezer => freezer()?,
        };
        Ok(Undo::Resume { process: process.id(), hold })
    }

    /// The directory of a fill, in the view of its site.
    pub(super) fn directory(&self, site: &SiteRef, path: &Path) -> Result<Directory> {
        let process = match site {
            SiteRef::Host => None,
            site => Some(self.find(site)?.id()),
        };
        Directory::open(process, &self.filled(path)?)
    }
}
