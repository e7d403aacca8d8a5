//! A machine in memory: a few processes, interfaces and files, and the second `System` there is.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use shakedown::act::{
    Act, ActId, Effect, Egress, NamespaceId, Observed, PauseHold, ProcessId, Reverted,
    ShapedInterface, SiteRef, Undo,
};
use shakedown::agent::{Notice, Recorded, System};
use shakedown::spec::PauseMethod;

use super::driver::Fuse;

/// Everything that could be different after.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    files: BTreeSet<PathBuf>,
    /// The control group that each process is in.
    homes: BTreeMap<i32, PathBuf>,
    /// Groups, and whether they are frozen.
    groups: BTreeMap<PathBuf, bool>,
    /// The handle of each interface's queueing discipline.
    disciplines: BTreeMap<(u64, u32), u16>,
    workers: BTreeSet<i32>,
    /// What goes when its holder goes: by act.
    held: BTreeMap<ActId, String>,
}

/// A machine; clones are the same machine, seen by somebody else.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    state: Rc<RefCell<State>>,
    fuse: Fuse,
}

/// An interface as an undo knows it.
fn shaped((index, name): (u32, &str)) -> ShapedInterface {
    ShapedInterface {
        index,
        name: name.to_owned(),
        queue_length: 1000,
        egress: Some(Egress::Root),
        ingress: None,
    }
}

/// The interfaces in every namespace.
const INTERFACES: [(u32, &str); 2] = [(2, "eth0"), (3, "eth1")];
const PROCESSES: [i32; 3] = [101, 102, 103];

impl Machine {
    /// With things of others on it, some of which look like ours.
    pub(crate) fn new() -> Self {
        let mut state = State::default();
        state.files.insert("/data/.shakedown-other-1".into());
        state.groups.insert("/shakedown-other-1".into(), true);
        state.disciplines.insert((2, 3), 0x8001);
        for pid in PROCESSES {
            let home = PathBuf::from(format!("/app-{pid}"));
            state.groups.insert(home.clone(), false);
            state.homes.insert(pid, home);
        }
        Self { state: Rc::new(RefCell::new(state)), fuse: Fuse::endless() }
    }

    /// The same machine, for an agent that dies when its fuse has burnt down.
    pub(crate) fn seen_by(&self, fuse: &Fuse) -> Self {
        Self { state: Rc::clone(&self.state), fuse: fuse.clone() }
    }

    pub(crate) fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// What happens at the death of an agent, whatever killed it.
    pub(crate) fn release_what_the_kernel_holds(&self) {
        let mut state = self.state.borrow_mut();
        state.held.clear();
        state.workers.clear();
    }

    /// Performs an act, with or without proof that its undo is on disk: the honest way in is
    /// [`System::perform`]. It can die between any two changes.
    pub(crate) fn change(&self, id: ActId, act: &Act, undo: &Undo) -> Result<Observed> {
        let mut observed = Observed::default();
        match undo {
            Undo::FreeDisk { file: Some(file) } => {
                self.state.borrow_mut().files.insert(file.clone());
            }
            Undo::Resume { process, hold: PauseHold::Freezer { group, .. } } => {
                self.state.borrow_mut().groups.insert(group.clone(), false);
                self.fuse.burn()?;
                self.state.borrow_mut().homes.insert(process.pid, group.clone());
                self.fuse.burn()?;
                self.state.borrow_mut().groups.insert(group.clone(), true);
            }
            Undo::Unshape { namespace, interfaces, handle } => {
                for ShapedInterface { index, .. } in interfaces {
                    let interface = (namespace.ino, *index);
                    self.state.borrow_mut().disciplines.insert(interface, *handle);
                    self.fuse.burn()?;
                }
            }
            Undo::StopStress { beside } => {
                let worker = 1000 + i32::try_from(id.0)?;
                self.state.borrow_mut().workers.insert(worker);
                observed.processes.push(ProcessId { pid: worker, start_time: beside.start_time });
            }
            _ => {
                self.state.borrow_mut().held.insert(id, act.site().to_string());
            }
        }
        self.fuse.burn()?;
        Ok(observed)
    }

    fn restore(&self, id: ActId, undo: &Undo, observed: &Observed) -> Result<bool> {
        self.fuse.burn()?;
        let mut state = self.state.borrow_mut();
        Ok(match undo {
            Undo::FreeDisk { file: Some(file) } => state.files.remove(file),
            Undo::Resume { process, hold: PauseHold::Freezer { group, origin } } => {
                if state.groups.remove(group).is_none() {
                    return Ok(false);
                }
                state.homes.insert(process.pid, origin.clone());
                true
            }
            Undo::Unshape { namespace, interfaces, handle } => {
                let mut found = false;
                for ShapedInterface { index, .. } in interfaces {
                    let interface = (namespace.ino, *index);
                    // A discipline with another handle is somebody else's.
                    if state.disciplines.get(&interface) == Some(handle) {
                        state.disciplines.remove(&interface);
                        found = true;
                        drop(state);
                        self.fuse.burn()?;
                        state = self.state.borrow_mut();
                    }
                }
                found
            }
            Undo::StopStress { .. } => {
                let before = state.workers.len();
                state
                    .workers
                    .retain(|worker| !observed.processes.iter().any(|it| it.pid == *worker));
                state.workers.len() < before
            }
            _ => state.held.remove(&id).is_some(),
        })
    }
}

impl System for Machine {
    fn check(&self, _: &Act) -> anyhow::Result<()> {
        Ok(())
    }

    fn undo_of(&mut self, id: ActId, act: &Act) -> Result<Undo> {
        let state = self.state.borrow();
        let process = match act.site() {
            SiteRef::Process(process) => process,
            _ => ProcessId { pid: 0, start_time: 0 },
        };
        Ok(match act {
            Act::FillDisk(fill) if fill.path.ends_with("data") => {
                Undo::FreeDisk { file: Some(format!("/data/.shakedown-ours-{id}").into()) }
            }
            Act::FillDisk(_) => Undo::FreeDisk { file: None },
            Act::Pause(pause) if pause.method == PauseMethod::Freezer => {
                let origin = state.homes.get(&process.pid).context("there is no such process")?;
                if origin.to_string_lossy().contains("shakedown") {
                    bail!("it is frozen already");
                }
                let group = PathBuf::from(format!("/shakedown-ours-{id}"));
                Undo::Resume { process, hold: PauseHold::Freezer { group, origin: origin.clone() } }
            }
            Act::Pause(_) => Undo::Resume { process, hold: PauseHold::Ptrace },
            Act::Stress(_) => Undo::StopStress { beside: process },
            _ => {
                let ino = u64::try_from(process.pid - 101)?;
                let interfaces: Vec<_> = INTERFACES.map(shaped).to_vec();
                let taken = |index: u32| state.disciplines.contains_key(&(ino, index));
                if interfaces.iter().any(|interface| taken(interface.index)) {
                    bail!("somebody's queueing discipline is there");
                }
                let handle = 0x5d00 | u16::try_from(id.0 % 256)?;
                Undo::Unshape { namespace: NamespaceId { dev: 4, ino }, interfaces, handle }
            }
        })
    }

    fn perform(&mut self, recorded: Recorded) -> Result<(Effect, Observed)> {
        let observed = self.change(recorded.id(), recorded.act(), recorded.undo())?;
        Ok((Effect::proved("it is in memory"), observed))
    }

    fn verify(&mut self, _: ActId) -> Result<Effect> {
        Ok(Effect::proved("it is in memory"))
    }

    fn revert(&mut self, id: ActId, undo: &Undo, observed: &Observed) -> Reverted {
        match self.restore(id, undo, observed) {
            Ok(true) => Reverted::Restored,
            Ok(false) => Reverted::AlreadyGone,
            Err(error) => Reverted::Failed { reason: error.to_string(), manual: String::new() },
        }
    }

    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        Vec::new()
    }

    fn next_moment(&self) -> Option<Duration> {
        None
    }

    fn tick(&mut self) -> Vec<Notice> {
        Vec::new()
    }

    fn residue(&mut self) -> Vec<String> {
        Vec::new()
    }
}
