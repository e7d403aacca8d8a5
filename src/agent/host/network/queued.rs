//! Packets that are impaired in user space.

use std::time::Duration;

use anyhow::{Result, bail};

use super::{Place, State, reverted, state, unchanged};
use crate::act::{Effect, Impairment, NamespaceId, Reverted, Shape, Traffic, Undo};
use crate::sys::net::Support;
use crate::sys::net::queue::{self, Diversion, Figures};

/// Packets of a namespace that come to us.
pub(in super::super) struct Queued {
    place: Place,
    diversion: Diversion,
    impairment: Impairment,
    before: State,
    /// Why the table did not match all the time.
    lapsed: Option<String>,
}

/// Whether this kernel can queue packets to us, and we can do what is asked.
pub(in super::super) fn check_queue(shape: &Shape) -> Result<()> {
    queue::refuse_impossible(&shape.traffic.hooks, &shape.impairment)?;
    match queue::supported()? {
        Support::Supported => Ok(()),
        Support::Missing { reason } => bail!(
            "this kernel cannot queue packets to user space: {reason}; `shakedown doctor` says more"
        ),
    }
}

impl Queued {
    /// Impairs packets from now on.
    pub(in super::super) fn start(place: Place, shape: &Shape, undo: &Undo) -> Result<Self> {
        let Undo::DropTable { table, .. } = undo else { bail!("the undo of a queue is none") };
        let before = state(&place.namespace)?;
        let impairment = shape.impairment;
        let (namespace, group) = (&place.namespace, place.group.clone());
        let diversion = Diversion::of_group(namespace, table, &shape.traffic, &impairment, group)?;
        crate::failpoint::hit("mid-apply");
        Ok(Self { place, diversion, impairment, before, lapsed: None })
    }

    /// Does it to other packets from now on, with no moment in between.
    pub(in super::super) fn aim_at(&mut self, traffic: &Traffic) -> Result<()> {
        self.diversion.aim_at(&self.place.namespace, traffic)
    }

    /// What it has done so far.
    pub(in super::super) fn effect(&self) -> Result<Effect> {
        if !self.diversion.present()? {
            return Ok(Effect::absent("the table is gone"));
        }
        if let Some(reason) = &self.lapsed {
            return Ok(Effect::absent(format!("the table did not match all the time: {reason}")));
        }
        Ok(self.place.qualified(described(&self.impairment, &self.diversion.figures())))
    }

    /// When the table must be renewed.
    pub(in super::super) const fn next_moment(&self) -> Duration {
        self.diversion.renewal()
    }

    /// Renews the table if it is time.
    pub(in super::super) fn tick(&mut self, now: Duration) {
        if self.diversion.renewal() <= now
            && let Err(error) = self.diversion.renew()
        {
            // Whatever it does from now on, it did not hold all the time.
            self.lapsed.get_or_insert_with(|| format!("{error:#}"));
        }
    }

    /// Whether it is done to packets of this namespace.
    pub(in super::super) fn is_in(&self, namespace: NamespaceId) -> bool {
        self.place.namespace.id() == namespace
    }

    /// Lets packets pass while somebody else removes a chain from the namespace, with which the
    /// kernel would drop all that is held.
    pub(in super::super) fn suspend(&mut self) {
        if let Err(error) = self.diversion.suspend(&self.place.namespace) {
            self.lapsed.get_or_insert_with(|| format!("{error:#}"));
        }
    }

    /// Goes on after that.
    pub(in super::super) fn resume(&mut self) {
        if let Err(error) = self.diversion.resume(&self.place.namespace) {
            self.lapsed.get_or_insert_with(|| format!("{error:#}"));
        }
    }

    /// Lets packets pass, those that are held first, and looks that the namespace is as it was.
    pub(in super::super) fn stop(self) -> Result<Reverted> {
        let (removed, _) = self.diversion.remove(&self.place.namespace)?;
        crate::failpoint::hit("mid-undo");
        unchanged(&self.before, &self.place.namespace)?;
        Ok(reverted(removed))
    }
}

/// What the figures prove: that what was asked for was done, and nothing else.
fn described(impairment: &Impairment, figures: &Figures) -> Effect {
    if let Some(mishap) = figures.mishap() {
        return Effect::absent(mishap);
    }
    let all = figures.packets;
    let share = |count: u64, what: &str| match count {
        0 if all == 0 => Effect::pending("in place, no packet has met it yet"),
        0 => Effect::pending(format!("in place, none of {all} packets {what} yet")),
        _ => Effect::proved(format!("{count} of {all} packets {what}")),
    };
    match impairment {
        Impairment::Lose(_) => share(figures.vanished, "lost"),
        Impairment::Duplicate(_) => share(figures.doubled, "sent twice"),
        Impairment::Corrupt(_) => share(figures.flipped, "changed by one bit"),
        _ if all == 0 => Effect::pending("in place, no packet has met it yet"),
        Impairment::Delay(_) => held(figures, "none lost"),
        Impairment::Reorder(_) => {
            held(figures, &format!("{} overtook", all.saturating_sub(figures.held)))
        }
        Impairment::Limit(_) => held(figures, &format!("{} dropped", figures.vanished)),
    }
}

fn held(figures: &Figures, rest: &str) -> Effect {
    let Figures { packets, held, .. } = figures;
    if *held == 0 {
        return Effect::pending(format!(
            "in place, of {packets} packets that met it none has been held to the end yet"
        ));
    }
    let (waited, late) = (figures.median_wait(), figures.median_lateness());
    Effect::proved(format!(
        "{held} of {packets} packets held for {waited:.1?} (median; {late:.1?} late), {rest}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for_is_no_proof() {
        let impairment: Impairment = serde_json::from_value(serde_json::json!(
            {"lose": {"every": 10}}
        ))
        .unwrap();
        let evidence = |figures: &Figures| format!("{:?}", described(&impairment, figures));
        let mut figures = Figures::default();
        figures.packets = 100;
        assert!(evidence(&figures).contains("none of 100 packets lost yet"));
        figures.vanished = 10;
        assert!(evidence(&figures).contains("10 of 100 packets lost"));
        figures.missed = 1;
        assert!(evidence(&figures).contains("Absent"));
    }
}
