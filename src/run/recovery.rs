//! After the last undo: waiting until the probes are well again, and measuring that they are.

use super::course::Course;
use super::ending::Ending;
use super::method::after;
use crate::sample::{Elapsed, Phase};
use crate::verdict::{RecoveryState, RecoveryWatch};

impl Course<'_> {
    /// Waits for every probe with a `recovery`, until it recovered or its time is up.
    pub(super) async fn recover(&mut self) -> Result<(), Ending> {
        let since = self.last_undo.or(self.method_end).unwrap_or_else(|| self.clock.now());
        let probes = &self.setup.plan.hypothesis.probes;
        let longest = probes.iter().filter_map(|probe| probe.recovery).map(|it| it.within).max();
        self.recoveries = probes.iter().map(|probe| RecoveryWatch::new(probe, since)).collect();
        for watch in &mut self.recoveries {
            self.samples.iter().for_each(|sample| watch.observe(sample));
        }
        if longest.is_none() {
            return Ok(());
        }
        self.enter(Phase::Recovery, longest);
        while self.is_waiting() {
            let soon = after(self.clock.now(), std::time::Duration::from_millis(20));
            self.hold(soon).await?;
        }
        Ok(())
    }

    fn is_waiting(&self) -> bool {
        let now = self.clock.now();
        self.recoveries.iter().any(|watch| watch.state(now) == RecoveryState::Waiting)
    }

    /// Measures the steady state after.
    pub(super) async fn observe_after(&mut self) -> Result<(), Ending> {
        let window = self.setup.plan.hypothesis.after;
        self.enter(Phase::After, Some(window));
        let end: Elapsed = after(self.clock.now(), window.get());
        self.hold(end).await?;
        self.settle(end).await
    }
}
