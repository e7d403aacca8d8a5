//! Before an act: its target is found and held, the state before is read, and the undo follows.

use std::path::Path;
use std::rc::Rc;

use anyhow::{Result, bail, ensure};

use super::held::Held;
use super::network::Named;
use super::{Host, effects, network};
use crate::act::{Act, ActId, Pause, PauseHold, Proxy, SiteRef, Undo};
use crate::agent::lock::Lock;
use crate::spec::{Engine, PauseMethod};
use crate::sys::disk::Directory;
use crate::sys::net::Namespace;
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
            Act::Filter(_) | Act::Shape(_) | Act::FailDns(_) | Act::Proxy(_) => {
                self.prepare_network(id, act)
            }
            Act::Cut(cut) => self.prepare_cut(id, cut),
        }
    }

    fn prepare_network(&mut self, id: ActId, act: &Act) -> Result<Undo> {
        let (process, namespace) = self.reach(id, &act.site())?;
        let named = Named::resolve(&process, &namespace, act)?;
        let engine = match act {
            Act::Shape(shape) => shape.engine,
            Act::Filter(filter) => filter.engine,
            _ => Engine::Nft,
        };
        // Filters of one run add up; those of two would not know of each other. Of two servers of
        // false answers the second would never be asked.
        let kind = match (act, engine) {
            (Act::FailDns(_), _) => "dns",
            (_, Engine::Nft | Engine::Iptables) => "filter",
            _ => "shape",
        };
        if let Act::Proxy(proxy) = act {
            self.refuse_second(proxy, &namespace)?;
        }
        self.lock(id, &self.lock_of(kind, id, &namespace))?;
        let undo = match (act, engine) {
            (Act::FailDns(_), _) => {
                let undo = network::undo_of_dns(&namespace, self.table(id));
                Ok(self.with_way_back(id, undo))
            }
            (Act::Shape(shape), Engine::Netem | Engine::Tbf) => {
                network::undo_of_shape(&namespace, shape, id.0)
            }
            _ => {
                let undo = network::undo_of_filter(&namespace, engine, &self.run, id);
                Ok(self.with_way_back(id, undo))
            }
        };
        self.namespaces.insert(id, namespace);
        self.named.extend(named.map(|named| (id, named)));
        undo
    }

    /// Of two proxies for the same connections the second would never see one.
    fn refuse_second(&self, proxy: &Proxy, namespace: &Namespace) -> Result<()> {
        let taken = self.held.values().any(|held| match held {
            Held::Proxied(first) => first.is_in(namespace.id()) && proxy.may_meet(first.traffic()),
            _ => false,
        });
        ensure!(
            !taken,
            "another step has these connections go through a proxy already, and they cannot go \
             through two; let the steps follow one another, or give them other ports or peers"
        );
        Ok(())
    }

    /// The name of the table that an act makes.
    pub(super) fn table(&self, id: ActId) -> String {
        format!("shakedown_{}_{id}", self.run.replace('-', "_"))
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
    pub(super) fn lock(&mut self, id: ActId, object: &str) -> Result<()> {
        let shared = self.locks.values().find(|lock| lock.is_of(object)).map(Rc::clone);
        let lock = match shared {
            Some(lock) if object.starts_with("filter") => lock,
            Some(_) => bail!(
                "another step of this run does the like to the same target, and the two do not add \
                 up; let them follow one another"
            ),
            None => Rc::new(Lock::take(object, &self.run)?),
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
