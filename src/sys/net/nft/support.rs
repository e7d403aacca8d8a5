//! What the kernel's `nf_tables` can do, found out by trying.

use anyhow::Result;

use super::super::netlink::NetlinkError;
use super::super::{Namespace, Support};
use super::batch::Batch;
use super::owned_table::open;
use super::program::Program;
use crate::act::Hook;

/// What the kernel can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NftSupport {
    /// Tables that go with their owner.
    pub owner_tables: Support,
    /// Dropping what an interface receives.
    pub netdev_ingress: Support,
    /// Dropping what an interface sends.
    pub netdev_egress: Support,
}

impl NftSupport {
    /// The first thing that is missing for a filter.
    #[must_use]
    pub fn missing(&self) -> Option<&str> {
        [&self.owner_tables, &self.netdev_ingress, &self.netdev_egress].into_iter().find_map(
            |support| match support {
                Support::Supported => None,
                Support::Missing { reason } => Some(reason.as_str()),
            },
        )
    }
}

/// Tries on the loopback of a scratch namespace.
pub fn supported() -> Result<NftSupport> {
    let namespace = Namespace::create()?;
    Ok(NftSupport {
        owner_tables: attempt(&namespace, None)?,
        netdev_ingress: attempt(&namespace, Some(Hook::Ingress))?,
        netdev_egress: attempt(&namespace, Some(Hook::Egress))?,
    })
}

fn attempt(namespace: &Namespace, hook: Option<Hook>) -> Result<Support> {
    // A socket for each attempt: with it goes the table.
    let netlink = open(namespace)?;
    let name = match hook {
        None => "trial-owner",
        Some(Hook::Ingress) => "trial-ingress",
        Some(Hook::Egress) => "trial-egress",
    };
    let mut program = Program::new(Batch::new(&netlink), name);
    if let Some(hook) = hook {
        program.chain(hook, &["lo".into()]);
    }
    match program.finish().commit() {
        Ok(()) => Ok(Support::Supported),
        Err(NetlinkError::Refused(refusal)) => Ok(Support::Missing { reason: refusal.to_string() }),
        Err(error) => Err(error.into()),
    }
}
