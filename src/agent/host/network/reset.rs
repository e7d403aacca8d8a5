//! Connections that are cut, and new ones that are refused.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{Filtered, Place, check_filter};
use crate::act::{CutConnections, Effect, Reverted, Strength, Traffic, Undo};
use crate::spec::Engine;
use crate::sys::net::Support;
use crate::sys::net::nft::Action;
use crate::sys::net::sockets::{self, Cut, Owner};

/// Connections that were cut.
pub(in crate::agent::host) struct Reset {
    cut: Cut,
    /// What refuses new ones.
    refusing: Option<Filtered>,
}

/// Whether this kernel can cut connections, and refuse new ones if asked.
pub(in crate::agent::host) fn check_cut(cut: &CutConnections) -> Result<()> {
    if cut.refuse {
        check_filter(Engine::Nft, Action::Reset)?;
    }
    match sockets::destroy_supported()? {
        Support::Supported => Ok(()),
        Support::Missing { reason } => bail!(
            "this kernel cannot cut connections (CONFIG_INET_DIAG_DESTROY): {reason}; \
             `network-partition` with `mode: reset` does the same to packets"
        ),
    }
}

impl Reset {
    /// Cuts what is open. Refusing comes second: it would swallow the resets of the first, and what
    /// is opened in between meets it with its next packet.
    pub(in crate::agent::host) fn start(
        place: Place,
        owner: &Owner,
        act: &CutConnections,
        undo: &Undo,
    ) -> Result<Self> {
        let cut = sockets::cut(&place.namespace, owner, &act.traffic)?;
        let refusing = match (act.refuse, undo) {
            (false, _) => None,
            (true, Undo::DropTable { table, .. }) => {
                Some(Filtered::start(place, &act.traffic, Action::Reset, table)?)
            }
            (true, _) => bail!("the undo of a filter is none"),
        };
        Ok(Self { cut, refusing })
    }

    /// What was cut, and what was refused since.
    pub(in crate::agent::host) fn effect(&self) -> Result<Effect> {
        let cut = cut_effect(self.cut);
        let Some(refusing) = &self.refusing else { return Ok(cut) };
        let refused = refusing.effect()?;
        let strength = match (cut.strength, refused.strength) {
            (Strength::Absent, _) | (_, Strength::Absent) => Strength::Absent,
            (Strength::Proved, _) | (_, Strength::Proved) => Strength::Proved,
            (Strength::Pending, Strength::Pending) => Strength::Pending,
        };
        Ok(Effect { strength, evidence: format!("{}; {}", cut.evidence, refused.evidence) })
    }

    /// Refuses other connections from now on; what was cut is cut.
    pub(in crate::agent::host) fn aim_at(&mut self, traffic: &Traffic) -> Result<()> {
        self.refusing.as_mut().map_or(Ok(()), |refusing| refusing.aim_at(traffic))
    }

    /// When what refuses must be renewed.
    pub(in crate::agent::host) fn next_moment(&self) -> Option<Duration> {
        self.refusing.as_ref().map(Filtered::next_moment)
    }

    /// Renews it if it is time.
    pub(in crate::agent::host) fn tick(&mut self, now: Duration) {
        if let Some(refusing) = &mut self.refusing {
            refusing.tick(now);
        }
    }

    /// Lets new connections come about again.
    pub(in crate::agent::host) fn stop(self) -> Result<Reverted> {
        self.refusing.map_or(Ok(Reverted::AlreadyGone), Filtered::stop)
    }
}

fn cut_effect(cut: Cut) -> Effect {
    let plural = if cut.found == 1 { "" } else { "s" };
    match cut {
        Cut { found: 0, .. } => Effect::pending("no connection matched"),
        Cut { found, gone } if gone == found => {
            Effect::proved(format!("{found} connection{plural} cut"))
        }
        Cut { found, gone } => {
            Effect::absent(format!("only {gone} of {found} connection{plural} cut"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_no_effect() {
        let said = |found, gone| {
            let effect = cut_effect(Cut { found, gone });
            format!("{:?}: {}", effect.strength, effect.evidence)
        };
        assert_eq!(said(0, 0), "Pending: no connection matched");
        assert_eq!(said(1, 1), "Proved: 1 connection cut");
        assert_eq!(said(3, 2), "Absent: only 2 of 3 connections cut");
    }
}
