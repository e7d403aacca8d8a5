//! What a target has of a network that it shares with the host: the packets of its own sockets,
//! told by its control group.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::act::{Effect, ProcessId, Undo};
use crate::sys::cgroup::{Cgroup, Enclosure, Trees};
use crate::sys::net::nft::{self, CgroupPath};
use crate::sys::net::sockets::{Owner, SocketDiag};
use crate::sys::net::{Namespace, Support};
use crate::sys::process;

/// Where a network act happens.
pub(in crate::agent::host) struct Place {
    /// The network namespace.
    pub(in crate::agent::host) namespace: Namespace,
    /// The group whose packets are meant; everybody's there if none.
    pub(in crate::agent::host) group: Option<CgroupPath>,
    /// What it does not reach of its target, in words.
    pub(in crate::agent::host) gap: Option<String>,
}

impl Place {
    /// An effect, and what it does not reach.
    pub(super) fn qualified(&self, effect: Effect) -> Effect {
        match &self.gap {
            Some(gap) => Effect { evidence: format!("{}; {gap}", effect.evidence), ..effect },
            None => effect,
        }
    }
}

/// A target's share of the host's network.
pub(in crate::agent::host) struct Share {
    root: ProcessId,
    group: PathBuf,
    /// The group it comes from, if it must be moved.
    origin: Option<PathBuf>,
}

impl Share {
    /// The share of a process and all that descends from it. A group that holds nobody else serves
    /// as it is; otherwise they are to be moved into one of their own, of this name. Reads only.
    pub(in crate::agent::host) fn plan(
        root: ProcessId,
        service: Option<PathBuf>,
        name: &str,
    ) -> Result<Self> {
        if let Support::Missing { reason } = nft::supported()?.cgroup {
            bail!("this kernel cannot tell packets by the control group of their socket: {reason}");
        }
        if let Some(group) = service.filter(|group| group.is_dir()) {
            return Ok(Self { root, group, origin: None });
        }
        let Some(group) = Trees::read()?.unified_group_of(root.pid)? else {
            bail!(
                "process {root} shares this host's network, and without control groups of version \
                 2 its packets cannot be told from those of others; start it as a service with \
                 `network: own`"
            );
        };
        if is_alone(root, &group)? {
            return Ok(Self { root, group, origin: None });
        }
        if group.file_name().is_some_and(|it| it.as_encoded_bytes().starts_with(b"shakedown-")) {
            bail!(
                "process {root} is in the group {} of another fault already; let them follow one \
                 another, or start it as a service",
                group.display()
            );
        }
        Ok(Self { root, group: group.join(name), origin: Some(group) })
    }

    /// The process that is the target.
    pub(in crate::agent::host) const fn root(&self) -> ProcessId {
        self.root
    }

    /// The undo of an act here: what it undoes by itself, and then the way back.
    pub(in crate::agent::host) fn undo(&self, then: Undo) -> Undo {
        match &self.origin {
            None => then,
            Some(origin) => Undo::Rejoin {
                group: self.group.clone(),
                origin: origin.clone(),
                then: Box::new(then),
            },
        }
    }

    /// Whose packets are met from now on.
    pub(in crate::agent::host) fn enter(self, namespace: Namespace) -> Result<Place> {
        if let Some(origin) = &self.origin {
            Enclosure::recorded(&self.group, origin).enter(self.root)?;
        }
        let group = Some(CgroupPath::of(&self.group)?);
        let gap = self.gap(&namespace)?;
        Ok(Place { namespace, group, gap })
    }

    /// The sockets that were opened in other groups, to which they still belong.
    fn gap(&self, namespace: &Namespace) -> Result<Option<String>> {
        let mut groups = Vec::new();
        numbers(&self.group, &mut groups)?;
        let family: Vec<i32> =
            process::descendants(self.root)?.into_iter().map(|member| member.pid).collect();
        let sockets = SocketDiag::open(namespace)?.tcp()?;
        let mut foreign = Owner::processes(&family).of(&sockets);
        foreign.retain(|socket| socket.group.is_some_and(|group| !groups.contains(&group)));
        let mut ports: Vec<u16> = foreign
            .iter()
            .filter(|socket| socket.listening)
            .map(|socket| socket.local.port())
            .collect();
        ports.sort_unstable();
        ports.dedup();
        let open = foreign.iter().filter(|socket| !socket.listening).count();
        Ok(in_words(open, &ports))
    }
}

fn in_words(open: usize, ports: &[u16]) -> Option<String> {
    let open = match open {
        0 => None,
        1 => Some("1 connection from before is not covered, cut it with `connection-reset`".into()),
        _ => Some(format!(
            "{open} connections from before are not covered, cut them with `connection-reset`"
        )),
    };
    let listed = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let ports = (!ports.is_empty()).then(|| {
        format!(
            "what it accepts on {listed} is not covered: it listened before it had a control group \
             of its own"
        )
    });
    let both: Vec<String> = open.into_iter().chain(ports).collect();
    (!both.is_empty()).then(|| both.join("; "))
}

/// Whether nobody is in the group, and below it, but the process and what descends from it. The
/// root has everybody, and no number that a packet could be told by.
fn is_alone(root: ProcessId, group: &Path) -> Result<bool> {
    if !group.join("cgroup.type").exists() {
        return Ok(false);
    }
    let mut members = Vec::new();
    processes(group, &mut members)?;
    let family = process::descendants(root)?;
    Ok(members.iter().all(|pid| family.iter().any(|member| member.pid == *pid)))
}

/// The processes of a group and of all below it.
fn processes(group: &Path, found: &mut Vec<i32>) -> Result<()> {
    let cgroup = Cgroup::existing(group).context("the control group is gone")?;
    found.extend(cgroup.processes()?);
    below(group)?.iter().try_for_each(|folder| processes(folder, found))
}

/// The numbers of a group and of all below it, by which sockets know theirs.
fn numbers(group: &Path, found: &mut Vec<u64>) -> Result<()> {
    found.push(group.metadata().with_context(|| unreadable(group))?.ino());
    below(group)?.iter().try_for_each(|folder| numbers(folder, found))
}

fn below(group: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(group).with_context(|| unreadable(group))?.flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    Ok(folders.map(|entry| entry.path()).collect())
}

fn unreadable(group: &Path) -> String {
    format!("cannot look at the control group {}", group.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_reached_is_said() {
        assert_eq!(in_words(0, &[]), None);
        insta::assert_snapshot!(in_words(3, &[]).unwrap(), @"3 connections from before are not covered, cut them with `connection-reset`");
        insta::assert_snapshot!(in_words(1, &[80, 443]).unwrap(), @"1 connection from before is not covered, cut it with `connection-reset`; what it accepts on 80, 443 is not covered: it listened before it had a control group of its own");
    }
}
