//! Rules for what modifies a fault, and for which fault it fits.

use super::Check;
use crate::spec::modifier::{MOST_TURNS, SHORTEST};
use crate::spec::path::Path;
use crate::spec::quantity::Duration;
use crate::spec::{Fault, Pulse, Ramp, Step};

impl Check<'_> {
    /// `pulse`, `ramp` and `probability` of a step; the path is the step.
    pub(super) fn modifiers(&mut self, path: &Path, step: &Step) {
        if step.pulse.is_some() && step.ramp.is_some() {
            let help = "use two steps: one that ramps up, and then one that pulses";
            self.wrong_but(path.key("ramp"), "`pulse` and `ramp` exclude each other", help);
        }
        if let Some(pulse) = &step.pulse {
            self.pulse(&path.key("pulse"), pulse, step);
        }
        if let Some(ramp) = &step.ramp {
            self.ramp(&path.key("ramp"), ramp, step);
        }
        if step.probability.is_some_and(|chance| chance.get() <= 0.0) {
            self.wrong(path.key("probability"), "what has a probability of 0% never happens");
        }
        if let (Some(every), Some(length)) = (step.fault.every(), step.duration) {
            self.turns(path.key("for"), length, every);
        }
    }

    fn pulse(&mut self, path: &Path, pulse: &Pulse, step: &Step) {
        let repeats = step.fault.every().is_some();
        if repeats || !step.fault.lasts() {
            let help = match step.fault {
                Fault::ProcessKill(_) => "to kill again and again, give it `every: 5s`",
                _ => "write the step as often as it should happen, with a `wait` between",
            };
            let message = "the fault is over at once, so nothing can be taken away between pulses";
            self.wrong_but(path.clone(), message, help);
            return;
        }
        for (name, length) in [("on", pulse.on), ("off", pulse.off)] {
            if length < SHORTEST {
                let message = format!("{length} is too short; the shortest is {SHORTEST}");
                let help = "to put and to take away a fault takes some milliseconds itself";
                self.wrong_but(path.key(name), message, help);
            }
        }
        let Some(length) = step.duration else { return };
        if pulse.on >= length {
            let message = format!("the step ends, after {length}, before the first pulse does");
            self.wrong_but(path.key("on"), message, "make `for` longer, or leave `pulse` out");
        }
        self.turns(path.clone(), length, (pulse.on.get() + pulse.off.get()).into());
    }

    fn ramp(&mut self, path: &Path, ramp: &Ramp, step: &Step) {
        let (Some((name, _)), Some(end)) = (step.fault.level(), ramp.end(&step.fault)) else {
            self.no_level(path, &step.fault);
            return;
        };
        let own = step.fault.level().map_or(ramp.from, |(_, level)| level);
        for (field, level) in [("from", Some(ramp.from)), ("to", ramp.to)] {
            let Some(level) = level else { continue };
            if !level.is_like(own) {
                let message = format!("`{level}` is no value for `{name}`, which the ramp changes");
                self.wrong_but(path.key(field), message, format!("write {}", own.kind()));
            } else if level.is_zero() {
                let help = "begin with the smallest that counts, or use `delay`";
                self.wrong_but(path.key(field), format!("{level} is no fault"), help);
            }
        }
        if ramp.from == end {
            let message = format!("the ramp goes from {} to {end}, which is nowhere", ramp.from);
            self.wrong(path.key("from"), message);
        }
        self.ramp_in_time(path, ramp, step.duration);
    }

    fn ramp_in_time(&mut self, path: &Path, ramp: &Ramp, length: Option<Duration>) {
        if ramp.steps == 0 {
            self.wrong(path.key("steps"), "a ramp has at least 1 step");
        } else if ramp.pace() < SHORTEST.get() {
            let (steps, pace) = (ramp.steps, Duration::from(ramp.pace()));
            let message = format!("with {steps} steps in {} each lasts {pace}", ramp.over);
            let help = format!("the shortest is {SHORTEST}; use fewer steps or more time");
            self.wrong_but(path.key("over"), message, help);
        }
        let steps = usize::try_from(ramp.steps).unwrap_or(usize::MAX);
        if steps >= MOST_TURNS {
            self.wrong(path.key("steps"), format!("a ramp has fewer than {MOST_TURNS} steps"));
        }
        if let Some(length) = length
            && ramp.over >= length
        {
            let message = format!(
                "the ramp takes {}, and the fault stays for {length}; its last value would never hold",
                ramp.over
            );
            self.wrong_but(path.key("over"), message, "make `for` longer, or the ramp shorter");
        }
    }

    fn no_level(&mut self, path: &Path, fault: &Fault) {
        let (message, help) = match fault {
            Fault::NetworkLoss(_) => ("only the `percent` of a loss can change", "use `percent`"),
            Fault::DiskFill(_) => {
                ("only the `size` or `percent` of a fill can change", "use one of them")
            }
            _ => (
                "the fault has no parameter that a ramp could change",
                "delays, probabilities, rates, loads and fills have; `pulse` works for all that last",
            ),
        };
        self.wrong_but(path.clone(), message, help);
    }

    /// So much may be put and taken away in one step.
    fn turns(&mut self, path: Path, length: Duration, period: Duration) {
        let most = u128::try_from(MOST_TURNS).unwrap_or(u128::MAX);
        if length.get().as_nanos() > period.get().as_nanos().saturating_mul(most) {
            let message = format!("every {period} for {length} is more than {MOST_TURNS} times");
            self.wrong_but(path, message, "make the step shorter, or the time between longer");
        }
    }
}
