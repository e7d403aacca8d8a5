//! Packets impaired by queueing disciplines of the kernel's.

use anyhow::{Context, Result, bail, ensure};

use super::names::rehearsed;
use super::{State, reverted, state, unchanged};
use crate::act::{
    Effect, Impairment, NamespaceId, Reverted, Shape, ShapedInterface, Traffic, Undo,
};
use crate::sys::net::shaping::{self, Discipline, Diversion, Met, Shaping};
use crate::sys::net::{Namespace, RouteSocket, links};

/// Interfaces whose packets are impaired.
pub(in super::super) struct Shaped {
    namespace: Namespace,
    interfaces: Vec<(ShapedInterface, Discipline)>,
    handle: u16,
    traffic: Traffic,
    impairment: Impairment,
    diversions: Vec<Diversion>,
    before: State,
}

/// Whether this kernel can do it, all of it, and if not, what it lacks.
pub(in super::super) fn check_shape(shape: &Shape) -> Result<()> {
    let shape = Shape { traffic: rehearsed(&shape.traffic)?, ..shape.clone() };
    match shaping::rehearse(&shape) {
        Ok(()) => Ok(()),
        Err(error) => match error.missing() {
            Some(missing) => bail!(
                "this kernel cannot do that by {}: {missing}; `shakedown doctor` says more",
                shape.engine
            ),
            None => Err(error.into()),
        },
    }
}

/// The undo of an impairment: which interfaces, which handle, and which interfaces of our own.
pub(in super::super) fn undo_of_shape(
    namespace: &Namespace,
    shape: &Shape,
    act: u32,
) -> Result<Undo> {
    let handle = shaping::handle_of(act);
    let socket = RouteSocket::open(namespace)?;
    let interfaces = shaping::select(&socket, &shape.traffic, handle)?;
    Ok(Undo::Unshape { namespace: namespace.id(), interfaces, handle })
}

impl Shaped {
    /// Impairs packets from now on; on an error no interface does.
    pub(in super::super) fn start(
        namespace: Namespace,
        shape: &Shape,
        undo: &Undo,
    ) -> Result<Self> {
        let Undo::Unshape { interfaces, handle, .. } = undo else {
            bail!("the undo of an impairment is none")
        };
        let before = state(&namespace)?;
        let socket = RouteSocket::open(&namespace)?;
        let mut shaped = Self {
            namespace,
            interfaces: disciplines(&socket, shape, interfaces)?,
            handle: *handle,
            traffic: shape.traffic.clone(),
            impairment: shape.impairment,
            diversions: Vec::new(),
            before,
        };
        match shaped.add_all(&socket) {
            Ok(()) => Ok(shaped),
            Err(error) => {
                shaped.diversions.clear();
                remove_all(&socket, interfaces, *handle)?;
                Err(error)
            }
        }
    }

    fn add_all(&mut self, socket: &RouteSocket) -> Result<()> {
        for (interface, discipline) in &self.interfaces {
            let stepped = || crate::failpoint::hit("mid-apply");
            let Self { namespace, handle, traffic, .. } = &*self;
            let shaping = Shaping { namespace, handle: *handle, traffic, discipline, stepped };
            let held = shaping::add(socket, interface, &shaping)
                .with_context(|| format!("cannot impair the packets of {}", interface.name))?;
            self.diversions.extend(held);
        }
        Ok(())
    }

    /// Does it to other packets from now on, interface by interface. That some of them go by another
    /// interface than those before is an error.
    pub(in super::super) fn aim_at(&mut self, traffic: &Traffic) -> Result<()> {
        let socket = RouteSocket::open(&self.namespace)?;
        for needed in shaping::select(&socket, traffic, self.handle)? {
            ensure!(
                self.interfaces.iter().any(|(interface, _)| interface.index == needed.index),
                "{} carries a route to some of them, and its packets pass as before",
                needed.name
            );
        }
        self.traffic = traffic.clone();
        for (interface, discipline) in &self.interfaces {
            let (namespace, handle) = (&self.namespace, self.handle);
            let shaping = Shaping { namespace, handle, traffic, discipline, stepped: || {} };
            shaping::aim(&socket, interface, &shaping, &mut self.diversions)
                .with_context(|| format!("cannot change the filter of {}", interface.name))?;
        }
        Ok(())
    }

    /// What it has done so far, by what the kernel says.
    pub(in super::super) fn effect(&self) -> Result<Effect> {
        let socket = RouteSocket::open(&self.namespace)?;
        for diversion in &self.diversions {
            if !diversion.is_present()? {
                return Ok(Effect::absent("a table that leads packets there is gone"));
            }
        }
        let mut met = Met::default();
        for (interface, discipline) in &self.interfaces {
            let name = &interface.name;
            for found in shaping::read(&socket, interface, self.handle)? {
                let Some(found) = found else {
                    return Ok(Effect::absent(format!("packets of {name} pass as before")));
                };
                if !discipline.agrees(&found) {
                    let kind = found.kind;
                    return Ok(Effect::absent(format!("the {kind} of {name} is not as asked")));
                }
                met.add(&found);
            }
        }
        Ok(met.effect(&self.impairment))
    }

    /// Lets packets pass as before, and looks that the namespace is as it was.
    pub(in super::super) fn stop(self) -> Result<Reverted> {
        let socket = RouteSocket::open(&self.namespace)?;
        // A table that cannot be deleted here is closed, and is no reason to leave the rest.
        let ended: Vec<Result<()>> = self.diversions.into_iter().map(Diversion::end).collect();
        crate::failpoint::hit("mid-undo");
        let interfaces: Vec<_> = self.interfaces.into_iter().map(|(it, _)| it).collect();
        let reverted = remove_all(&socket, &interfaces, self.handle)?;
        ended.into_iter().collect::<Result<()>>()?;
        unchanged(&self.before, &self.namespace)?;
        Ok(reverted)
    }
}

/// What is to be done on each interface.
fn disciplines(
    socket: &RouteSocket,
    shape: &Shape,
    interfaces: &[ShapedInterface],
) -> Result<Vec<(ShapedInterface, Discipline)>> {
    let links = links(socket)?;
    interfaces
        .iter()
        .map(|interface| {
            let link = links.iter().find(|link| link.index == interface.index);
            let link = link.with_context(|| format!("interface {} is gone", interface.name))?;
            Ok((interface.clone(), Discipline::of(shape, shaping::frame(link))?))
        })
        .collect()
}

/// Takes away what a dead agent set.
pub(in super::super) fn unshape(
    id: NamespaceId,
    interfaces: &[ShapedInterface],
    handle: u16,
) -> Result<Reverted> {
    match Namespace::find(id)? {
        Some(namespace) => remove_all(&RouteSocket::open(&namespace)?, interfaces, handle),
        None => Ok(Reverted::AlreadyGone),
    }
}

fn remove_all(
    socket: &RouteSocket,
    interfaces: &[ShapedInterface],
    handle: u16,
) -> Result<Reverted> {
    // One that cannot be freed is no reason to leave the others.
    let removed: Vec<_> =
        interfaces.iter().map(|interface| shaping::remove(socket, interface, handle)).collect();
    Ok(reverted(shaping::summary(removed.into_iter().collect::<Result<_>>()?)))
}
