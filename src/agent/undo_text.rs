//! What a person can do when all else fails.

use crate::act::{Egress, NamespaceId, Observed, PauseHold, ShapedInterface, Undo};

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
        Undo::DropTable { namespace, table } | Undo::ReleaseDns { namespace, table } => {
            vec![format!(
                "# nothing: the table {table} in {namespace} is gone when the agent has ended"
            )]
        }
        Undo::RemoveChains { namespace, chains } => vec![format!(
            "iptables-save and ip6tables-save show the chains {chains}i, {chains}I, {chains}e and \
             {chains}E: delete the rules that lead there (-D), flush (-F) and delete (-X) them   \
             # in {namespace}"
        )],
        Undo::Rejoin { group, origin, then } => {
            let (group, origin) = (group.display(), origin.display());
            let back = format!(
                "while read -r pid; do echo $pid > {origin}/cgroup.procs; done < {group}/cgroup.procs"
            );
            let own = manual(then, observed).into_iter();
            own.chain([back, format!("rmdir {group}")]).collect()
        }
        Undo::Unshape { namespace, interfaces, handle } => {
            interfaces.iter().flat_map(|shaped| unshape(shaped, *handle, namespace)).collect()
        }
        Undo::RemoveCgroup { path } => vec![kill_group(path)],
    }
}

fn unshape(shaped: &ShapedInterface, handle: u16, namespace: &NamespaceId) -> Vec<String> {
    let ShapedInterface { name, queue_length, egress, ingress, .. } = shaped;
    let mut lines = Vec::new();
    if let Some(detour) = ingress {
        if !detour.tabled {
            lines.push(format!("tc qdisc delete dev {name} ingress   # in {namespace}"));
        }
        lines.push(format!("ip link delete {}   # in {namespace}", detour.interface));
    }
    match egress {
        Some(Egress::Detour(detour)) => {
            lines.push(format!("ip link delete {}   # in {namespace}", detour.interface));
        }
        Some(Egress::Root) => {
            let root = format!("root handle {handle:x}:");
            lines.push(format!("tc qdisc delete dev {name} {root}   # in {namespace}"));
            if *queue_length == 0 {
                lines.push(format!("ip link set {name} txqueuelen 0   # in {namespace}"));
            }
        }
        None => {}
    }
    lines
}

fn kill_group(path: &std::path::Path) -> String {
    let path = path.display();
    format!("echo 1 > {path}/cgroup.kill; find {path} -depth -type d -exec rmdir {{}} +")
}
