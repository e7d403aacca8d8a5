//! What a person can do when all else fails.

use crate::act::{Observed, PauseHold, Undo};

/// The commands that undo by hand, one line each, for `undo.txt`, `status` and failed undos.
#[must_use]
pub fn manual(undo: &Undo, observed: &Observed) -> Vec<String> {
    match undo {
        Undo::Irreversible | Undo::EnsureRunning { .. } => Vec::new(),
        Undo::LeaveNetwork { interface, .. } => vec![format!("ip link delete {interface}")],
        Undo::StopService { cgroup: Some(cgroup), .. } => vec![kill_group(cgroup)],
        Undo::StopService { stop, .. } => observed
            .processes
            .iter()
            .map(|process| {
                format!("kill -{} -{process}   # only if it is still this service", stop.signal)
            })
            .collect(),
        Undo::Resume { process, hold: PauseHold::Ptrace } => {
            vec![format!("# nothing: process {process} runs again when the agent has ended")]
        }
        Undo::Resume { process, hold: PauseHold::Freezer { group, origin } } => vec![
            format!("echo 0 > {}/cgroup.freeze", group.display()),
            format!("echo {process} > {}/cgroup.procs", origin.display()),
            format!("rmdir {}", group.display()),
        ],
        Undo::StopStress { .. } => {
            observed.processes.iter().map(|process| format!("kill -KILL {process}")).collect()
        }
        Undo::FreeDisk { file: Some(file) } => vec![format!("rm {}", file.display())],
        Undo::FreeDisk { file: None } => {
            vec!["# nothing: the space is free when the agent has ended".to_owned()]
        }
        Undo::DropTable { namespace, table } => vec![format!(
            "# nothing: the table {table} in {namespace} is gone when the agent has ended"
        )],
        Undo::Unshape { namespace, interfaces, handle } => interfaces
            .iter()
            .map(|(_, name)| {
                format!("tc qdisc delete dev {name} root handle {handle:x}:   # in {namespace}")
            })
            .collect(),
        Undo::RemoveCgroup { path } => vec![kill_group(path)],
    }
}

fn kill_group(path: &std::path::Path) -> String {
    let path = path.display();
    format!("echo 1 > {path}/cgroup.kill; find {path} -depth -type d -exec rmdir {{}} +")
}
