//! How long a run can take: the agent's deadline.

use std::iter::Sum;
use std::time::Duration;

use super::{Entry, Plan, PlannedStep, Turn};
use crate::act::Act;

/// For undoing everything, beside what each act and service is given.
const ROLLBACK: Duration = Duration::from_secs(10);
/// For performing an act and proving it, and again for undoing it.
const ACT: Duration = Duration::from_secs(1);

impl Plan {
    /// The longest the run may take from the start of its first service until everything is undone:
    /// the agent undoes everything by itself when this has passed.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let ready = |check: &crate::spec::Ready| check.within.get();
        let start = |(_, check): &(_, Option<_>)| check.as_ref().map_or(ACT, ready);
        let stop = |(service, _): &(crate::act::StartService, _)| service.stop.grace.get() + ACT;
        let windows = self.hypothesis.before.get() + self.hypothesis.after.get();
        let recoveries = self.hypothesis.probes.iter().filter_map(|probe| probe.recovery);
        let recovery = recoveries.map(|recovery| recovery.within.get() + recovery.hold.get()).max();
        let services: Duration = self.services.iter().map(|it| start(it) + stop(it)).sum();
        let entries: Duration = self.entries.iter().map(entry).sum();
        services + windows + recovery.unwrap_or_default() + entries + ROLLBACK
    }
}

fn entry(entry: &Entry) -> Duration {
    let wait = entry.wait.unwrap_or_default().get();
    // Steps side by side last as long as the longest, but their acts are performed in turn. What is
    // repeated makes up for the time it takes: each turn has its moment.
    let acts = entry.steps.iter().map(|step| largest(step, |_| 1_usize)).sum::<usize>();
    let acts = ACT * 2 * u32::try_from(acts).unwrap_or(u32::MAX);
    wait + entry.steps.iter().map(step).max().unwrap_or_default() + acts
}

fn step(step: &PlannedStep) -> Duration {
    let takes = largest(step, takes);
    step.delay.unwrap_or_default().get() + step.duration.unwrap_or_default().get() + takes
}

/// The largest of all turns by the sum over its acts.
fn largest<T: Sum + Ord + Default>(step: &PlannedStep, of: impl Fn(&Act) -> T) -> T {
    let sum = |turn: &Turn| step.acts_of(turn).map(|planned| of(&planned.act)).sum();
    step.turns.iter().map(sum).max().unwrap_or_default()
}

/// How long an act takes by itself.
pub(super) fn takes(act: &Act) -> Duration {
    match act {
        Act::Signal(signal) => signal.kill_after.unwrap_or_default().get(),
        Act::Restart(restart) => restart.kill_after.get() + restart.down.get(),
        Act::JoinNetwork(_)
        | Act::StartService(_)
        | Act::Pause(_)
        | Act::Stress(_)
        | Act::FillDisk(_)
        | Act::Filter(_)
        | Act::Shape(_)
        | Act::Cut(_)
        | Act::FailDns(_)
        | Act::Proxy(_) => Duration::ZERO,
    }
}
