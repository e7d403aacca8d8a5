//! How much of a network an act reaches: all of a namespace, or what one target has of the host's.

use anyhow::{Context, Result, bail};

use super::Host;
use super::network::{self, Named, Place, Share};
use crate::act::{Act, ActId, CutConnections, SiteRef, Undo};
use crate::spec::Engine;
use crate::sys::cgroup::Cgroup;
use crate::sys::net::Namespace;
use crate::sys::net::sockets::Owner;
use crate::sys::process::{self, Process};

impl Host {
    /// A process of an act's site and its network namespace, with the site's share of it where that
    /// is the host's. Reads only.
    pub(super) fn reach(&mut self, id: ActId, site: &SiteRef) -> Result<(Process, Namespace)> {
        if *site == SiteRef::Host {
            return Ok((itself()?, Namespace::current()?));
        }
        let process = self.find(site)?;
        let namespace = network::namespace_of(&process)?;
        if network::is_host(&namespace)? {
            let service = match site {
                SiteRef::Service { name } => self.services.cgroup_of(name),
                SiteRef::Host | SiteRef::Process(_) => None,
            };
            let name = format!("shakedown-{}-{id}", self.run);
            let share = Share::plan(process.id(), service, &name)?;
            for member in process::descendants(process.id())? {
                if let Some(member) = Process::open(member)? {
                    self.before.add_process(&member)?;
                }
            }
            self.shares.insert(id, share);
        }
        Ok((process, namespace))
    }

    /// The undo of an act, and after it the way back of whom it moves.
    pub(super) fn with_way_back(&self, id: ActId, undo: Undo) -> Undo {
        match self.shares.get(&id) {
            Some(share) => share.undo(undo),
            None => undo,
        }
    }

    /// What two runs may not do at once: such a thing to a namespace, or to a target's share of it.
    pub(super) fn lock_of(&self, kind: &str, id: ActId, namespace: &Namespace) -> String {
        let number = namespace.id().ino;
        match self.shares.get(&id) {
            Some(share) => format!("{kind}-{number}-{}", share.root()),
            None => format!("{kind}-{number}"),
        }
    }

    pub(super) fn prepare_cut(&mut self, id: ActId, cut: &CutConnections) -> Result<Undo> {
        let (process, namespace) = if cut.refuse || cut.site == SiteRef::Host {
            self.reach(id, &cut.site)?
        } else {
            let process = self.find(&cut.site)?;
            let namespace = network::namespace_of(&process)?;
            (process, namespace)
        };
        let named = Named::resolve(&process, &namespace, &Act::Cut(cut.clone()))?;
        let undo = if cut.refuse {
            self.lock(id, &self.lock_of("filter", id, &namespace))?;
            let undo = network::undo_of_filter(&namespace, Engine::Nft, &self.run, id);
            self.with_way_back(id, undo)
        } else {
            Undo::Irreversible
        };
        if cut.site != SiteRef::Host && network::is_host(&namespace)? {
            self.found.insert(id, process);
        }
        self.named.extend(named.map(|named| (id, named)));
        self.namespaces.insert(id, namespace);
        Ok(undo)
    }

    /// Where an act happens that can be restricted to a share.
    pub(super) fn place(&mut self, id: ActId) -> Result<Place> {
        let share = self.shares.remove(&id);
        let namespace = self.namespace(id)?;
        match share {
            Some(share) => share.enter(namespace),
            None => Ok(Place { namespace, group: None, gap: None }),
        }
    }

    /// Where an act happens that meets everybody.
    pub(super) fn namespace(&mut self, id: ActId) -> Result<Namespace> {
        if self.shares.contains_key(&id) {
            bail!("this would meet everybody in the host's network, and not only the target");
        }
        self.namespaces.remove(&id).context("the act's network namespace was not looked up before")
    }

    /// Whose sockets an act is about: the target's with all that descends from it where it shares
    /// its network namespace, everybody's there where it does not.
    pub(super) fn owner(&mut self, id: ActId, site: &SiteRef) -> Result<Owner> {
        let Some(target) = self.found.remove(&id) else { return Ok(Owner::Anybody) };
        let family = process::descendants(target.id())?;
        let mut members: Vec<i32> = family.into_iter().map(|member| member.pid).collect();
        if let SiteRef::Service { name } = site
            && let Some(group) = self.services.cgroup_of(name)
            && let Some(group) = Cgroup::existing(&group)
        {
            members.extend(group.processes()?);
        }
        Ok(Owner::processes(&members))
    }
}

/// This process, which lives in the host's network.
fn itself() -> Result<Process> {
    let me = process::identify(vec![std::process::id().cast_signed()])?;
    let me = me.first().copied().context("this process is not in /proc")?;
    Process::open(me)?.context("this process has ended")
}
