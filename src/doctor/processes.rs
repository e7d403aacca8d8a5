//! Starting, holding, pausing and grouping processes, tried on children of our own.

use super::check::{Check, Words};
use crate::sys::trial::{self, Bystander, Capabilities, Stand};

/// Everything about processes.
pub(super) fn checks(stand: Stand<'_>) -> Vec<Check> {
    let mut checks = vec![pidfd(stand), ptrace(stand), strangers()];
    checks.extend(groups(stand));
    checks
}

fn pidfd(stand: Stand<'_>) -> Check {
    let words = Words {
        name: "clone3, pidfd",
        good: "a process is held by the kernel's own handle and never mistaken for another",
        without: "the agent and services cannot be started",
        remedy: "use Linux 5.5 or later; in a container, allow clone3 and pidfd_send_signal in its seccomp profile",
    };
    let tried = Bystander::start(stand, None).and_then(|child| child.end());
    words.check(tried.map(|()| "a child was started, signalled and awaited".to_owned())).essential()
}

fn ptrace(stand: Stand<'_>) -> Check {
    let words = Words {
        name: "ptrace",
        good: "process-pause is undone by the kernel itself (class K)",
        without: "process-pause uses the freezer instead: undone by the agent (class G)",
        remedy: "sysctl kernel.yama.ptrace_scope=1; in a container, --cap-add SYS_PTRACE",
    };
    let tried = Bystander::start(stand, None).and_then(|child| child.trace());
    words.check(tried.map(|()| "a child was stopped and released".to_owned()))
}

/// Only a process that is no descendant could be tried, and there is none of our own.
fn strangers() -> Check {
    let words = Words {
        name: "ptrace scope",
        good: "processes that are no services of the experiment can be paused by ptrace too",
        without: "processes that are no services of the experiment are paused by the freezer (class G)",
        remedy: "sysctl kernel.yama.ptrace_scope=0 (until the next boot), or run with CAP_SYS_PTRACE",
    };
    let capable = Capabilities::read().is_ok_and(|ours| ours.has(19));
    let found = |scope: u8| format!("kernel.yama.ptrace_scope = {scope}");
    words.check(match trial::ptrace_scope() {
        None => Ok("not restricted".to_owned()),
        Some(scope @ 0) => Ok(found(scope)),
        Some(scope @ (1 | 2)) if capable => Ok(found(scope)),
        Some(scope) => Err(anyhow::anyhow!(found(scope))),
    })
}

const GROUP: Words = Words {
    name: "control group of our own",
    good: "the agent outlives whatever kills the controller's group",
    without: "`cgroup.kill` of the controller's group ends the agent too; kernel-held faults end then, others wait for the next command",
    remedy: "run as root on a host with control groups of version 2 mounted writable",
};
const FREEZER: Words = Words {
    name: "freezer",
    good: "processes that cannot be traced are paused all the same",
    without: "process-pause works by ptrace only",
    remedy: "use Linux 5.2 or later, as root, with control groups of version 2",
};
const KILL: Words = Words {
    name: "cgroup.kill",
    good: "services end with everything that they started",
    without: "a service's children that began a session of their own can outlive the run",
    remedy: "use Linux 5.14 or later, as root, with control groups of version 2",
};

fn groups(stand: Stand<'_>) -> Vec<Check> {
    match trial::groups(stand) {
        Ok(trial) => vec![
            GROUP.check(trial.born.map(|()| "made, and a child born in it".to_owned())),
            FREEZER.check(trial.freezes.map(|()| "a child was frozen and thawed".to_owned())),
            KILL.check(trial.kills.map(|()| "a child was killed with its group".to_owned())),
        ],
        Err(error) => {
            let why = format!("{error:#}");
            let none = |words: Words| words.check(Err(anyhow::anyhow!(why.clone())));
            [GROUP, FREEZER, KILL].map(none).into()
        }
    }
}
