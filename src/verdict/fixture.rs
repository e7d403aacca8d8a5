//! Samples for the tests of this folder: one every 100 ms, of a probe named `web`.

use crate::sample::{Elapsed, Phase, Sample, SampleOutcome};
use crate::spec::{HypothesisProbe, Tolerance};

/// Milliseconds as nanoseconds.
pub(super) const fn millis(count: u64) -> u64 {
    count * 1_000_000
}

/// The moment that sample number `slot` is due.
pub(super) const fn due(slot: u64) -> Elapsed {
    Elapsed(millis(100 * slot))
}

pub(super) fn sample(slot: u64, outcome: SampleOutcome, latency_ns: u64) -> Sample {
    Sample {
        probe: "web".to_owned(),
        phase: Phase::During,
        due: due(slot),
        latency_ns,
        outcome,
        value: None,
        detail: None,
    }
}

pub(super) fn ok(slot: u64, latency_ms: u64) -> Sample {
    sample(slot, SampleOutcome::Ok, millis(latency_ms))
}

pub(super) fn valued(slot: u64, value: f64) -> Sample {
    Sample { value: Some(value), ..ok(slot, 1) }
}

pub(super) fn violated(slot: u64) -> Sample {
    sample(slot, SampleOutcome::Violated, millis(5))
}

pub(super) fn refused(slot: u64) -> Sample {
    sample(slot, SampleOutcome::Unreachable, 40_000)
}

pub(super) fn timed_out(slot: u64) -> Sample {
    sample(slot, SampleOutcome::Unreachable, millis(1000))
}

pub(super) fn probe_error(slot: u64) -> Sample {
    sample(slot, SampleOutcome::ProbeError, 0)
}

pub(super) fn tolerance(yaml: &str) -> Tolerance {
    serde_yaml::from_str(yaml).expect("a tolerance")
}

/// A TCP probe named `web`, 10/s, with a time-out of 1 s; the fields of `yaml` in addition.
pub(super) fn probe(yaml: &str) -> HypothesisProbe {
    let head = "name: web\ntcp: { address: '127.0.0.1:1', rate: 10/s, timeout: 1s }\n";
    serde_yaml::from_str(&format!("{head}{yaml}")).expect("a probe")
}
