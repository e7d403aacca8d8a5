//! Faults lowered to acts, one file per fault. Pure: a fault neither performs nor undoes anything.

mod catalogue;
mod cpu_stress;
mod disk_fill;
mod network_latency;
mod network_partition;
mod process_kill;
mod process_pause;
mod process_restart;

pub use catalogue::{FaultEntry, Parameter, catalogue};
use indexmap::IndexMap;
use thiserror::Error;

use crate::act::{Act, SiteRef};
use crate::spec::quantity::{Duration, IpNetwork};
use crate::spec::{Allowance, Fault, Name};

/// What a fault needs to know beside its own parameters and its site.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// How long it stays.
    pub duration: Option<Duration>,
    /// The services of the experiment: each with its address, or `None` on the host's network.
    pub services: IndexMap<Name, Option<IpNetwork>>,
    /// What the file allows by name.
    pub allow: Vec<Allowance>,
}

/// Why a fault cannot be turned into acts.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LowerError {
    /// A fault that lasts, without its end.
    #[error("`{fault}` lasts until it is undone; say how long with `for: 30s`")]
    NoDuration {
        /// The fault.
        fault: &'static str,
    },
    /// A fault for services, aimed at something else.
    #[error(
        "`{fault}` starts its target again, which only works for a service of this experiment; use `target: {{ service: … }}`"
    )]
    NotAService {
        /// The fault.
        fault: &'static str,
    },
    /// No amount, or two.
    #[error("`disk-fill` takes exactly one of `size`, `percent`, `leave-free`")]
    NoAmount,
    /// A peer that is no service.
    #[error("peer `{name}` is no service of this experiment")]
    UnknownPeer {
        /// The peer.
        name: Name,
    },
    /// A peer without an address of its own.
    #[error(
        "peer `{name}` shares the host's network and has no address of its own; give the service `network: own`, or use `addresses` and `ports`"
    )]
    PeerOnHostNetwork {
        /// The peer.
        name: Name,
    },
}

/// The fault's name in the catalogue.
#[must_use]
pub const fn name(fault: &Fault) -> &'static str {
    match fault {
        Fault::ProcessKill(_) => process_kill::NAME,
        Fault::ProcessPause(_) => process_pause::NAME,
        Fault::ProcessRestart(_) => process_restart::NAME,
        Fault::CpuStress(_) => cpu_stress::NAME,
        Fault::DiskFill(_) => disk_fill::NAME,
        Fault::NetworkPartition(_) => network_partition::NAME,
        Fault::NetworkLatency(_) => network_latency::NAME,
    }
}

/// The acts that make up the fault at one site, in the order they are performed.
pub fn lower(fault: &Fault, site: &SiteRef, terms: &Terms) -> Result<Vec<Act>, LowerError> {
    if fault.lasts() && terms.duration.is_none() {
        return Err(LowerError::NoDuration { fault: name(fault) });
    }
    match fault {
        Fault::ProcessKill(kill) => Ok(process_kill::lower(kill, site)),
        Fault::ProcessPause(pause) => Ok(process_pause::lower(pause, site)),
        Fault::ProcessRestart(restart) => process_restart::lower(restart, site),
        Fault::CpuStress(stress) => Ok(cpu_stress::lower(stress, site, terms)),
        Fault::DiskFill(fill) => disk_fill::lower(fill, site, terms),
        Fault::NetworkPartition(partition) => network_partition::lower(partition, site, terms),
        Fault::NetworkLatency(latency) => Ok(network_latency::lower(latency, site)),
    }
}

/// How an act is undone, in words, for the plan.
#[must_use]
pub fn undo_in_words(act: &Act) -> String {
    match act {
        Act::JoinNetwork(_) => {
            "the network vanishes with its namespace, which the agent holds".to_owned()
        }
        Act::StartService(start) => format!(
            "SIG{}, after {} SIGKILL, to it and all its children",
            start.stop.signal, start.stop.grace
        ),
        Act::Signal(signal) => process_kill::undo_in_words(signal),
        Act::Restart(restart) => process_restart::undo_in_words(restart),
        Act::Pause(pause) => process_pause::undo_in_words(pause),
        Act::Stress(stress) => cpu_stress::undo_in_words(stress),
        Act::FillDisk(fill) => disk_fill::undo_in_words(fill),
        Act::Filter(_) => network_partition::undo_in_words(),
        Act::Shape(_) => network_latency::undo_in_words(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(name: &str) -> SiteRef {
        SiteRef::Service { name: name.to_owned() }
    }

    fn fault(value: serde_json::Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn every_fault_lowers_and_says_its_undo() {
        let faults = [
            json!({"process-kill": {"signal": "TERM", "kill-after": "2s", "every": "5s"}}),
            json!({"process-pause": {}}),
            json!({"process-pause": {"method": "freezer"}}),
            json!({"process-restart": {"down": "1s"}}),
            json!({"cpu-stress": {"cores": 2, "load": "80%"}}),
            json!({"disk-fill": {"path": "/data", "leave-free": "1MiB"}}),
            json!({"network-partition": {}}),
            json!({"network-latency": {"delay": "250ms", "jitter": "50ms"}}),
        ];
        let terms = Terms { duration: Some(Duration::from_secs(3)), ..Terms::default() };
        let mut lines = Vec::new();
        for fault in faults.map(fault) {
            for act in lower(&fault, &service("web"), &terms).unwrap() {
                lines.push(format!("{} {}: {}", name(&fault), act.class(), undo_in_words(&act)));
            }
        }
        insta::assert_snapshot!(lines.join("\n"), @r"
        process-kill X: none; the service comes back if its restart policy says so
        process-pause K: let go of the trace, or thawed where tracing is not permitted
        process-pause G: thawed, moved back to its control group, ours removed
        process-restart G: started again after 1s, or at the end of the run
        cpu-stress K: workers killed; they end by themselves with the agent, or after 3s
        disk-fill K: unnamed file closed, space free again; the kernel does so when the agent ends
        network-partition K: our nft table deleted; the kernel does so when the agent ends
        network-latency G: our queueing discipline deleted, the kernel's default is back
        ");
    }

    #[test]
    fn the_name_is_the_one_in_the_file() {
        for name_in_file in ["process-pause", "cpu-stress", "network-partition", "process-kill"] {
            assert_eq!(name(&fault(json!({ name_in_file: {} }))), name_in_file);
        }
    }

    #[test]
    fn a_fault_that_lasts_needs_an_end() {
        let pause = fault(json!({"process-pause": {}}));
        let error = lower(&pause, &service("web"), &Terms::default()).unwrap_err();
        insta::assert_snapshot!(error, @"`process-pause` lasts until it is undone; say how long with `for: 30s`");
    }
}
