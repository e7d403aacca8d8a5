//! What a table is to do: which packets, and what becomes of them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::act::Traffic;
use crate::spec::quantity::Percent;

/// What a table is to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan<'a> {
    /// Which packets; the names of hosts are resolved into `networks` already.
    pub traffic: &'a Traffic,
    /// What becomes of them.
    pub action: Action,
    /// Only packets of sockets of this group.
    pub cgroup: Option<&'a CgroupPath>,
    /// A bit of the packet's mark: what carries it is left alone, and the bit is cleared.
    pub skip_mark: Option<u32>,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// It vanishes; the sender notices nothing.
    Drop,
    /// TCP is answered with a reset, everything else with ICMP `port unreachable`.
    Reset,
    /// It is answered with ICMP `host unreachable`.
    Icmp,
    /// Some vanish.
    Lose(Chance),
    /// It waits in a queue of user space (`NFQUEUE`), or passes while nobody listens there.
    Queue {
        /// The number of the queue for what is received.
        ingress: u16,
        /// The number of the queue for what is sent.
        egress: u16,
    },
    /// Its connection goes to this port of the namespace instead: TCP and UDP, new connections only.
    Redirect {
        /// The port.
        port: u16,
    },
    /// The same, on every interface unless some are named, and for connections that exist already
    /// as well. They are tracked apart from all others, so that none of them goes on to that port
    /// when the table is gone, and with it whoever listened there.
    Divert {
        /// The port.
        port: u16,
        /// The zone of connection tracking that they are in until then.
        zone: u16,
    },
    /// It goes out of another interface instead, from next to the wire, and comes back marked so that
    /// the plan's `skip_mark` lets it pass.
    Forward {
        /// The index of the interface.
        interface: u32,
        /// The bit that is set in its mark.
        mark: Option<u32>,
    },
    /// What carries the bit goes out of another interface, and nothing else does.
    Return {
        /// The index of the interface.
        interface: u32,
        /// The bit.
        mark: u32,
    },
}

impl Action {
    /// Whether it only sends packets elsewhere, and lasts as long as what is there.
    pub(super) const fn forwards(self) -> bool {
        matches!(self, Self::Forward { .. } | Self::Return { .. })
    }
}

/// Which packets vanish.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Chance {
    /// Each with this probability, which is exact to one in a billion.
    Random(Percent),
    /// Every n-th of each direction; at least 1.
    Every(u32),
}

/// A control group of version 2, as `nf_tables` knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgroupPath {
    /// How many groups deep below the root of the tree it is.
    pub(super) level: u32,
    /// The number of its folder, which is the group's.
    pub(super) id: u64,
}

impl CgroupPath {
    /// The group of a folder in a mounted tree of version 2. The root is none: it has every socket.
    pub fn of(folder: &Path) -> Result<Self> {
        let fail = || format!("cannot look at the control group {}", folder.display());
        let folder = folder.canonicalize().with_context(fail)?;
        let here = folder.metadata().with_context(fail)?;
        if !folder.join("cgroup.procs").exists() || !folder.join("cgroup.type").exists() {
            bail!("{} is no control group of version 2 below the root", folder.display());
        }
        let of_tree = |path: &&Path| path.metadata().is_ok_and(|its| its.dev() == here.dev());
        let depth = folder.ancestors().take_while(of_tree).count() - 1;
        Ok(Self { level: u32::try_from(depth)?, id: here.ino() })
    }
}
