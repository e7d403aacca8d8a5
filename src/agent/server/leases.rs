//! How long faults may stay without a word: of each act, of the run, and since the controller was
//! last heard. All on `CLOCK_BOOTTIME`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::act::ActId;
use crate::sys::clock::boottime;

pub(super) struct Leases {
    heartbeat: Duration,
    heard: Duration,
    deadline: Duration,
    acts: BTreeMap<ActId, Duration>,
    lost: Option<&'static str>,
}

impl Leases {
    pub(super) fn new(heartbeat: Duration, limit: Duration) -> Self {
        let now = boottime();
        Self { heartbeat, heard: now, deadline: now + limit, acts: BTreeMap::new(), lost: None }
    }

    /// The end of the run at the latest.
    pub(super) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The controller lives.
    pub(super) fn heard(&mut self) {
        self.heard = boottime();
    }

    /// An act may stay this long.
    pub(super) fn grant(&mut self, id: ActId, limit: Option<Duration>) {
        if let Some(limit) = limit {
            self.acts.insert(id, boottime() + limit);
        }
    }

    /// An act is over.
    pub(super) fn end(&mut self, id: ActId) {
        self.acts.remove(&id);
    }

    /// When to look again.
    pub(super) fn next_moment(&self) -> Option<Duration> {
        let acts = self.acts.values().min().copied();
        let run = self.lost.is_none().then(|| self.deadline.min(self.heard + self.heartbeat));
        [acts, run].into_iter().flatten().min()
    }

    /// The acts whose time is up; each is told once.
    pub(super) fn expired(&mut self) -> Vec<ActId> {
        let now = boottime();
        let expired: Vec<ActId> =
            self.acts.iter().filter(|(_, moment)| **moment <= now).map(|(id, _)| *id).collect();
        for id in &expired {
            self.end(*id);
        }
        expired
    }

    /// The run is over, for this reason.
    pub(super) fn lose(&mut self, reason: &'static str) {
        self.lost.get_or_insert(reason);
    }

    /// Why the run as a whole is over, if it is.
    pub(super) fn lost(&mut self) -> Option<&'static str> {
        let now = boottime();
        if self.lost.is_none() && self.deadline <= now {
            self.lost = Some("the run's deadline passed");
        } else if self.lost.is_none() && self.heard + self.heartbeat <= now {
            self.lost = Some("nothing was heard from the controller");
        }
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_expires_once_and_the_run_is_lost_for_good() {
        let mut leases = Leases::new(Duration::from_secs(100), Duration::ZERO);
        leases.grant(ActId(1), Some(Duration::ZERO));
        leases.grant(ActId(2), Some(Duration::from_secs(100)));
        leases.grant(ActId(3), None);
        assert_eq!(leases.expired(), [ActId(1)]);
        assert_eq!(leases.expired(), []);
        assert_eq!(leases.lost(), Some("the run's deadline passed"));
        leases.heard();
        assert!(leases.lost().is_some());
    }

    #[test]
    fn silence_loses_the_run_and_a_word_keeps_it() {
        let mut leases = Leases::new(Duration::ZERO, Duration::from_secs(100));
        assert!(leases.lost().is_some());
        let mut leases = Leases::new(Duration::from_secs(5), Duration::from_secs(100));
        assert_eq!(leases.lost(), None);
        assert!(leases.next_moment().is_some());
    }
}
