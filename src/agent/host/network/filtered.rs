//! Packets that are dropped or refused by an owned table.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{Place, State, reverted, state, unchanged};
use crate::act::{Effect, Impairment, Reverted, Traffic};
use crate::spec::{Engine, Loss, PartitionMode};
use crate::sys::net::nft::{self, Action, Chance, Counters, OwnedTable, Plan};
use crate::sys::net::{Support, iptables};

/// A packet filter in a namespace.
pub(in super::super) struct Filtered {
    place: Place,
    table: OwnedTable,
    action: Action,
    before: State,
    /// Why the table did not match all the time.
    lapsed: Option<String>,
}

/// Whether an engine can do this to packets here.
pub(in super::super) fn check_filter(engine: Engine, action: Action) -> Result<()> {
    if engine == Engine::Iptables {
        return match iptables::supported(action)? {
            Support::Supported => Ok(()),
            Support::Missing { reason } => bail!("iptables cannot filter packets here: {reason}"),
        };
    }
    match nft::supported()?.missing_for(action) {
        None => Ok(()),
        Some(missing) => bail!(
            "this kernel cannot filter packets by an owned table: {missing}; `shakedown doctor` says more"
        ),
    }
}

/// What a partition does to packets.
pub(in super::super) const fn action_of(mode: PartitionMode) -> Action {
    match mode {
        PartitionMode::Drop => Action::Drop,
        PartitionMode::Reset => Action::Reset,
        PartitionMode::Icmp => Action::Icmp,
    }
}

/// What a loss does to packets, if it depends on nothing but chance or number.
pub(in super::super) fn loss_of(impairment: &Impairment) -> Result<Action> {
    Ok(Action::Lose(match impairment {
        Impairment::Lose(Loss::Random { percent, correlation }) if correlation.get() <= 0.0 => {
            Chance::Random(*percent)
        }
        Impairment::Lose(Loss::Every(n)) => Chance::Every(*n),
        _ => bail!("a packet filter can only lose packets, by chance or by number"),
    }))
}

impl Filtered {
    /// Drops, refuses or loses packets from now on.
    pub(in super::super) fn start(
        place: Place,
        traffic: &Traffic,
        action: Action,
        table: &str,
    ) -> Result<Self> {
        let before = state(&place.namespace)?;
        let plan = Plan { traffic, action, cgroup: place.group.as_ref(), skip_mark: None };
        let table = OwnedTable::create(&place.namespace, table, &plan)?;
        crate::failpoint::hit("mid-apply");
        Ok(Self { place, table, action, before, lapsed: None })
    }

    /// Does it to other packets from now on, with no moment in between.
    pub(in super::super) fn aim_at(&mut self, traffic: &Traffic) -> Result<()> {
        let plan = Plan {
            traffic,
            action: self.action,
            cgroup: self.place.group.as_ref(),
            skip_mark: None,
        };
        self.table.update(&self.place.namespace, &plan)
    }

    /// What it has done so far.
    pub(in super::super) fn effect(&self) -> Result<Effect> {
        if !self.table.present()? {
            return Ok(Effect::absent("the table is gone"));
        }
        if let Some(reason) = &self.lapsed {
            return Ok(Effect::absent(format!("the table did not match all the time: {reason}")));
        }
        Ok(self.place.qualified(described(self.action, self.table.counters()?)))
    }

    /// When it must be renewed.
    pub(in super::super) const fn next_moment(&self) -> Duration {
        self.table.renewal()
    }

    /// Renews it if it is time.
    pub(in super::super) fn tick(&mut self, now: Duration) {
        if self.table.renewal() <= now
            && let Err(error) = self.table.renew()
        {
            // Whatever it does from now on, it did not hold all the time.
            self.lapsed.get_or_insert_with(|| format!("{error:#}"));
        }
    }

    /// Lets packets pass, and looks that the namespace is as it was.
    pub(in super::super) fn stop(self) -> Result<Reverted> {
        let removed = self.table.remove()?;
        crate::failpoint::hit("mid-undo");
        unchanged(&self.before, &self.place.namespace)?;
        Ok(reverted(removed))
    }
}

/// What was done to packets, in words.
pub(super) fn described(action: Action, counters: Counters) -> Effect {
    let Counters { matched, packets, .. } = counters;
    let noun = if packets == 1 { "packet" } else { "packets" };
    match action {
        Action::Lose(_) if packets > 0 => {
            Effect::proved(format!("{packets} of {matched} packets lost"))
        }
        Action::Lose(_) if matched > 0 => {
            Effect::pending(format!("in place, none of {matched} packets lost yet"))
        }
        _ if packets == 0 => Effect::pending("in place, no packet has met it yet"),
        Action::Reset | Action::Icmp => Effect::proved(format!("{packets} {noun} refused")),
        _ => Effect::proved(format!("{packets} {noun} dropped")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_did_is_told_by_what_it_does() {
        let lose = Action::Lose(Chance::Every(10));
        let counted = |matched, packets| Counters { matched, packets, bytes: 60 * packets };
        for (action, counters, expected) in [
            (Action::Drop, counted(0, 0), "in place, no packet has met it yet"),
            (Action::Drop, counted(1, 1), "1 packet dropped"),
            (Action::Reset, counted(2, 2), "2 packets refused"),
            (lose, counted(9, 0), "in place, none of 9 packets lost yet"),
            (lose, counted(100, 10), "10 of 100 packets lost"),
        ] {
            let effect = format!("{:?}", described(action, counters));
            assert!(effect.contains(expected), "{effect}");
        }
    }
}
