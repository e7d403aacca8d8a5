//! What the kernel's `nf_tables` can do, found out by trying.

use anyhow::Result;

use super::super::{Namespace, Support};
use super::dialect::{Dialect, attempt, trial};
use super::expression::QueueBy;
use super::plan::{Action, CgroupPath, Chance};
use super::table::{Family, Table};
use crate::act::Hook;
use crate::spec::quantity::Percent;

/// What the kernel can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NftSupport {
    /// Tables that go with their owner.
    pub owner_tables: Support,
    /// Dropping what an interface receives.
    pub netdev_ingress: Support,
    /// Dropping what an interface sends.
    pub netdev_egress: Support,
    /// Refusing packets of both versions of IP, before they are routed.
    pub reject: Support,
    /// Losing some packets by chance or by number.
    pub loss: Support,
    /// Telling packets by the control group (version 2) of their socket.
    pub cgroup: Support,
    /// Handing packets to user space by the expression `queue`.
    pub queue: Support,
    /// Handing packets to user space by the target `NFQUEUE` of `iptables`.
    pub queue_target: Support,
    /// Sending connections to a port of the namespace.
    pub redirect: Support,
    /// The same for connections that exist already, by zones of connection tracking.
    pub divert: Support,
    /// Sending what matches out of another interface.
    pub forward: Support,
    /// Sets whose elements end; without, a fault lasts while its stopped agent does.
    pub lease: Support,
}

impl NftSupport {
    /// The first thing that is missing for a filter.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        self.missing_for(Action::Drop)
    }

    /// The first thing that is missing for an action.
    #[must_use]
    pub fn missing_for(&self, action: Action) -> Option<&str> {
        let wire = [&self.netdev_ingress, &self.netdev_egress];
        let rest: Vec<&Support> = match action {
            Action::Drop => wire.into(),
            Action::Lose(_) => [&wire[..], &[&self.loss]].concat(),
            Action::Reset | Action::Icmp => vec![&self.reject],
            Action::Queue { .. } if self.queue.is_supported() => Vec::new(),
            Action::Queue { .. } => vec![&self.queue_target],
            Action::Redirect { .. } => vec![&self.redirect],
            Action::Divert { .. } => vec![&self.divert],
            Action::Forward { .. } | Action::Return { .. } => vec![&self.forward],
        };
        std::iter::once(&self.owner_tables).chain(rest).find_map(|support| match support {
            Support::Supported => None,
            Support::Missing { reason } => Some(reason.as_str()),
        })
    }
}

/// Tries on the loopback of a scratch namespace.
pub fn supported() -> Result<NftSupport> {
    let namespace = Namespace::create()?;
    let try_on = |hook, action, group: Option<&CgroupPath>, dialect| {
        attempt(&namespace, &trial(action, hook, group, dialect))
    };
    let received = |action, dialect| try_on(Hook::Ingress, action, None, dialect);
    let plain = Dialect::PLAIN;
    let queue = Action::Queue { ingress: 0, egress: 0 };
    let any_group = CgroupPath { level: 1, id: 1 };
    Ok(NftSupport {
        owner_tables: attempt(&namespace, &[Table { family: Family::Inet, chains: vec![] }])?,
        netdev_ingress: received(Action::Drop, plain)?,
        netdev_egress: try_on(Hook::Egress, Action::Drop, None, plain)?,
        reject: received(Action::Reset, plain)?,
        loss: received(Action::Lose(Chance::Random(Percent::HUNDRED)), plain)?,
        cgroup: try_on(Hook::Ingress, Action::Drop, Some(&any_group), plain)?,
        queue: received(queue, plain)?,
        queue_target: received(queue, Dialect { queue: QueueBy::Target, ..plain })?,
        redirect: received(Action::Redirect { port: 1 }, plain)?,
        divert: try_on(Hook::Egress, Action::Divert { port: 1, zone: 1 }, None, plain)?,
        forward: try_on(Hook::Egress, Action::Forward { interface: 1, mark: None }, None, plain)?,
        lease: received(Action::Drop, Dialect { leased: true, ..plain })?,
    })
}
