//! What a proxy has seen and done.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A number that the proxy's thread counts up and the agent reads.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }
}

/// What a proxy has seen and done so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Connections that came in.
    pub connections: Counter,
    /// Those of them that the server did not take.
    pub refused: Counter,
    /// Those of them that met the fault.
    pub spoilt_connections: Counter,
    /// Those of them that carried no HTTP and passed untouched.
    pub foreign: Counter,
    /// Requests.
    pub requests: Counter,
    /// Those of them that met the fault.
    pub spoilt_requests: Counter,
    /// What waited: pieces of data, or requests.
    pub waits: Counter,
    waited: Counter,
}

impl Tally {
    /// How long what waited did so on average; `None` if nothing did.
    #[must_use]
    pub fn mean_wait(&self) -> Option<Duration> {
        let waits = self.waits.get();
        self.waited.get().checked_div(waits).map(Duration::from_nanos)
    }

    pub(super) fn waited(&self, time: Duration) {
        self.waits.add(1);
        self.waited.add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
}
