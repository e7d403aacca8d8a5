//! A circuit breaker: who failed a moment ago is left alone for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a replica that failed is left alone.
const PENALTY: Duration = Duration::from_millis(500);

/// Closed while all is well; open for [`PENALTY`] after a failure; then half open: one request
/// tries while the others still stay away, so that a dead replica costs one of them its time-out.
#[derive(Debug, Default)]
pub(super) struct Circuit {
    open_until: Mutex<Option<Instant>>,
}

impl Circuit {
    /// Whether a request may try at this moment.
    pub(super) fn permits(&self, now: Instant) -> bool {
        self.state().is_none_or(|until| until <= now)
    }

    /// A request tries: if the circuit is not closed, the others stay away until it is known how it went.
    pub(super) fn begin(&self, now: Instant) {
        if let Some(until) = self.state().as_mut() {
            *until = now + PENALTY;
        }
    }

    /// A request succeeded. Whether the circuit was not closed before.
    pub(super) fn succeeded(&self) -> bool {
        self.state().take().is_some()
    }

    /// A request failed. Whether the circuit was closed before.
    pub(super) fn failed(&self, now: Instant) -> bool {
        self.state().replace(now + PENALTY).is_none()
    }

    /// The time it is open until. Nothing panics while it is held, so a poisoned lock is as good.
    fn state(&self) -> MutexGuard<'_, Option<Instant>> {
        self.open_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_others_away_until_the_penalty_is_over() {
        let (circuit, now) = (Circuit::default(), Instant::now());
        assert!(circuit.permits(now));
        assert!(circuit.failed(now), "it was closed");
        assert!(!circuit.permits(now + PENALTY / 2));
        assert!(circuit.permits(now + PENALTY));
    }

    #[test]
    fn only_one_request_tries_a_half_open_circuit() {
        let (circuit, now) = (Circuit::default(), Instant::now());
        circuit.failed(now);
        let later = now + PENALTY;
        circuit.begin(later);
        assert!(!circuit.permits(later), "another request must stay away");
        assert!(circuit.succeeded(), "it was not closed");
        assert!(circuit.permits(later));
    }

    #[test]
    fn a_closed_circuit_lets_every_request_try() {
        let (circuit, now) = (Circuit::default(), Instant::now());
        circuit.begin(now);
        assert!(circuit.permits(now));
        assert!(!circuit.succeeded(), "it was closed all along");
    }
}
