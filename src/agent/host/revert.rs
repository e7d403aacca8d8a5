//! Taking acts back: through what they hold, or, in another process than the one that performed
//! them, through what their undo says.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::held::Held;
use super::network;
use crate::act::{Observed, PauseHold, ProcessId, Reverted, Undo};
use crate::spec::quantity::Signal;
use crate::sys::cgroup::{Cgroup, Enclosure, Trees};
use crate::sys::clock::boottime;
use crate::sys::net::Bridge;
use crate::sys::pause::Freezer;
use crate::sys::process::{self, Process};
use crate::sys::service::Services;

/// Takes one act back, and reads back that it is gone.
pub(super) fn revert(
    (services, bridge): (&mut Services, &mut Option<Bridge>),
    held: Option<Held>,
    undo: &Undo,
    observed: &Observed,
) -> Result<Reverted> {
    match undo {
        Undo::Irreversible => Ok(Reverted::AlreadyGone),
        Undo::StopService { name, stop, cgroup } => {
            let ours = services.stop(name)?;
            let orphans =
                services.stop_orphans(name, &observed.processes, *stop, cgroup.as_deref())?;
            Ok(restored(ours || orphans))
        }
        Undo::EnsureRunning { name } => match held {
            Some(_) => Ok(restored(services.ensure_running(name)?)),
            // Without the agent that started it the service is gone as well.
            None => Ok(Reverted::AlreadyGone),
        },
        Undo::Resume { process, hold: PauseHold::Ptrace } => resume(held, *process),
        Undo::Resume { hold: PauseHold::Freezer { group, origin }, .. } => {
            Ok(restored(Freezer::recorded(group, origin).thaw()?))
        }
        Undo::StopStress { .. } => stop_stress(held, observed),
        Undo::FreeDisk { file } => free_disk(held, file.as_deref()),
        Undo::Rejoin { group, origin, then } => {
            let own = revert((services, bridge), held, then, observed);
            let back = Enclosure::recorded(group, origin).disband();
            Ok(match (own?, back?) {
                (Reverted::AlreadyGone, true) => Reverted::Restored,
                (reverted, _) => reverted,
            })
        }
        Undo::RemoveCgroup { path } => remove_cgroup(path),
        Undo::LeaveNetwork { interface, mac } => {
            network::leave_network(bridge.take(), &network::recorded_leg(interface, *mac))
        }
        Undo::DropTable { namespace, table } => match held {
            Some(Held::Filtered(filtered)) => filtered.stop(),
            Some(Held::Queued(queued)) => queued.stop(),
            Some(Held::Proxied(proxied)) => proxied.stop(),
            Some(Held::Cut(reset)) => reset.stop(),
            _ => network::drop_table(*namespace, table),
        },
        Undo::ReleaseDns { namespace, table } => match held {
            Some(Held::Misnamed(misnamed)) => misnamed.stop(),
            _ => network::release_dns(*namespace, table),
        },
        Undo::RemoveChains { namespace, chains } => match held {
            Some(Held::Chained(chained)) => chained.stop(),
            _ => network::remove_chains(*namespace, chains),
        },
        Undo::Unshape { namespace, interfaces, handle } => match held {
            Some(Held::Shaped(shaped)) => shaped.stop(),
            _ => network::unshape(*namespace, interfaces, *handle),
        },
    }
}

const fn restored(was_there: bool) -> Reverted {
    if was_there { Reverted::Restored } else { Reverted::AlreadyGone }
}

fn resume(held: Option<Held>, id: ProcessId) -> Result<Reverted> {
    let Some(Held::Traced { process, mut tracer }) = held else {
        return released_by_kernel(id);
    };
    let ended = process.ended()?;
    tracer.release();
    crate::failpoint::hit("mid-undo");
    if !ended && still_traced(id)? {
        bail!("process {id} is still stopped by a tracer");
    }
    Ok(restored(!ended))
}

/// The tracer is gone, so the kernel let go; it may take a moment after its death.
fn released_by_kernel(id: ProcessId) -> Result<Reverted> {
    let deadline = boottime() + Duration::from_secs(1);
    while still_traced(id)? {
        if boottime() > deadline {
            return Ok(Reverted::NotOurs { found: format!("another tracer holds process {id}") });
        }
        std::thread::yield_now();
    }
    Ok(Reverted::AlreadyGone)
}

/// Whether any thread of the process is stopped by a tracer.
fn still_traced(id: ProcessId) -> Result<bool> {
    let Some(process) = Process::open(id)? else { return Ok(false) };
    let threads = match process.threads() {
        Err(_) if process.ended()? => return Ok(false),
        threads => threads?,
    };
    for thread in threads {
        if process::thread_stat(id.pid, thread)?.is_some_and(|stat| stat.state == 't') {
            return Ok(true);
        }
    }
    Ok(false)
}

fn stop_stress(held: Option<Held>, observed: &Observed) -> Result<Reverted> {
    if let Some(Held::Stressed(mut stress)) = held {
        stress.stop()?;
        return Ok(Reverted::Restored);
    }
    let mut found = false;
    for id in &observed.processes {
        if let Some(worker) = Process::open(*id)? {
            found |= worker.signal(Signal::KILL)?;
            if !worker.wait_end(Duration::from_secs(2))? {
                bail!("the stress worker {id} does not end");
            }
        }
    }
    Ok(restored(found))
}

fn free_disk(held: Option<Held>, file: Option<&Path>) -> Result<Reverted> {
    let ours = held.is_some();
    drop(held);
    crate::failpoint::hit("mid-undo");
    let Some(file) = file else { return Ok(restored(ours)) };
    match fs::remove_file(file) {
        Ok(()) => Ok(Reverted::Restored),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(restored(ours)),
        Err(error) => Err(error).with_context(|| format!("cannot remove {}", file.display())),
    }
}

/// The agent's own group is the last thing undone, and it is in there itself.
fn remove_cgroup(path: &Path) -> Result<Reverted> {
    let Some(group) = Cgroup::existing(path) else { return Ok(Reverted::AlreadyGone) };
    let me = i32::try_from(std::process::id())?;
    let inside = Trees::read()?.unified_group_of(me)?.is_some_and(|own| own.starts_with(path));
    if inside {
        let parent = path.parent().and_then(Cgroup::existing).context("the group has no parent")?;
        parent.adopt(me)?;
    }
    group.destroy()?;
    Ok(Reverted::Restored)
}
