//! The main parameter of a fault: the one that says how strong it is.

use super::super::quantity::{Duration, Level};
use super::super::{Fault, NetworkLatency};

impl Fault {
    /// The name and the value of the parameter that says how strong it is, if it has one.
    #[must_use]
    pub fn level(&self) -> Option<(&'static str, Level)> {
        Some(match self {
            Self::CpuStress(it) => ("load", Level::Share(it.load)),
            Self::DiskFill(it) => match (it.size, it.percent) {
                (Some(size), _) => ("size", Level::Size(size)),
                (None, percent) => ("percent", Level::Share(percent?)),
            },
            Self::NetworkLatency(it) => ("delay", Level::Delay(it.delay)),
            Self::NetworkLoss(it) => ("percent", Level::Share(it.percent?)),
            Self::NetworkDuplication(it) => ("percent", Level::Share(it.percent)),
            Self::NetworkCorruption(it) => ("percent", Level::Share(it.percent)),
            Self::NetworkReordering(it) => ("percent", Level::Share(it.percent)),
            Self::NetworkRate(it) => ("rate", Level::Rate(it.rate)),
            _ => return None,
        })
    }

    /// The same fault, so strong; `None` if that is no value of its parameter.
    #[must_use]
    pub fn at_level(&self, level: Level) -> Option<Self> {
        let (name, _) = self.level()?;
        let mut fault = self.clone();
        match (&mut fault, level) {
            (Self::CpuStress(it), Level::Share(load)) => it.load = load,
            (Self::DiskFill(it), Level::Size(size)) if name == "size" => it.size = Some(size),
            (Self::DiskFill(it), Level::Share(share)) if name == "percent" => {
                it.percent = Some(share);
            }
            (Self::NetworkLatency(it), Level::Delay(delay)) => {
                it.jitter = jitter_at(it, delay);
                it.delay = delay;
            }
            (Self::NetworkLoss(it), Level::Share(share)) => it.percent = Some(share),
            (Self::NetworkDuplication(it), Level::Share(share)) => it.percent = share,
            (Self::NetworkCorruption(it), Level::Share(share)) => it.percent = share,
            (Self::NetworkReordering(it), Level::Share(share)) => it.percent = share,
            (Self::NetworkRate(it), Level::Rate(rate)) => it.rate = rate,
            _ => return None,
        }
        Some(fault)
    }
}

/// The jitter keeps its proportion to the delay.
fn jitter_at(latency: &NetworkLatency, delay: Duration) -> Duration {
    let own = u128::from(latency.delay.as_nanos().max(1));
    let scaled = u128::from(latency.jitter.as_nanos()) * u128::from(delay.as_nanos()) / own;
    std::time::Duration::from_nanos(u64::try_from(scaled).unwrap_or(u64::MAX)).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::Ramp;

    fn ramped(fault: serde_json::Value, ramp: serde_json::Value) -> Vec<serde_json::Value> {
        let fault: Fault = serde_json::from_value(fault).unwrap();
        let ramp: Ramp = serde_json::from_value(ramp).unwrap();
        let faults = ramp.faults(&fault);
        faults.iter().map(|fault| serde_json::to_value(fault).unwrap()).collect()
    }

    #[test]
    fn a_ramp_ends_at_the_faults_own_level_and_scales_the_jitter() {
        let latency = json!({"network-latency": {"delay": "100ms", "jitter": "20ms"}});
        let all = ramped(latency, json!({"from": "50ms", "over": "10s", "steps": 2}));
        let figures = all.iter().map(|fault| {
            let latency = &fault["network-latency"];
            format!("{} {}", latency["delay"], latency["jitter"])
        });
        insta::assert_snapshot!(figures.collect::<Vec<_>>().join("\n"), @r#"
        "50ms" "10ms"
        "75ms" "15ms"
        "100ms" "20ms"
        "#);
    }

    #[test]
    fn every_fault_with_a_level_takes_another_one() {
        for (fault, to) in [
            (json!({"cpu-stress": {}}), "10%"),
            (json!({"disk-fill": {"path": "/d", "size": "1MB"}}), "2MB"),
            (json!({"disk-fill": {"path": "/d", "percent": "1%"}}), "2%"),
            (json!({"network-latency": {"delay": "1ms"}}), "2ms"),
            (json!({"network-loss": {"percent": "1%"}}), "2%"),
            (json!({"network-duplication": {"percent": "1%"}}), "2%"),
            (json!({"network-corruption": {"percent": "1%"}}), "2%"),
            (json!({"network-reordering": {"percent": "1%"}}), "2%"),
            (json!({"network-rate": {"rate": "1Mbit/s"}}), "2Mbit/s"),
        ] {
            let fault: Fault = serde_json::from_value(fault).unwrap();
            let level: Level = to.parse().unwrap();
            let changed = fault.at_level(level).unwrap();
            assert_eq!(changed.level().unwrap().1, level);
            assert!(fault.level().unwrap().1.is_like(level));
        }
    }

    #[test]
    fn a_fault_without_a_level_has_none() {
        for fault in [
            json!({"process-pause": {}}),
            json!({"network-loss": {"every": 3}}),
            json!({"disk-fill": {"path": "/d", "leave-free": "1MB"}}),
        ] {
            let fault: Fault = serde_json::from_value(fault).unwrap();
            assert_eq!(fault.level(), None);
            assert_eq!(fault.at_level(Level::Share("5%".parse().unwrap())), None);
        }
    }
}
