//! Faults lowered to acts, one file per fault. Pure: a fault neither performs nor undoes anything.

mod catalogue;
mod connection_reset;
mod cpu_stress;
mod disk_fill;
mod dns_failure;
mod network;
mod process_kill;
mod process_pause;
mod process_restart;

pub use catalogue::{EngineEntry, FaultEntry, Parameter, catalogue};
use indexmap::IndexMap;
use network::able;
pub use network::{Cuts, Engines, NoEngine, NoShape, between, bounds, engine, packets};
use thiserror::Error;

use crate::act::{Act, SiteRef};
use crate::spec::quantity::{Duration, IpNetwork};
use crate::spec::{Allowance, Fault, Name};

/// What a fault needs to know beside its own parameters and its site.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// How long it stays.
    pub duration: Option<Duration>,
    /// The services of the experiment with their addresses, none on the host's network.
    pub services: IndexMap<Name, Vec<IpNetwork>>,
    /// What the file allows by name.
    pub allow: Vec<Allowance>,
    /// What this machine has for network faults.
    pub engines: Engines,
    /// What every choice follows from.
    pub seed: u64,
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
    /// No loss, or two.
    #[error("`network-loss` takes exactly one of `percent`, `every`, `gilbert-elliott`, `markov`")]
    NoLoss,
    /// Nothing can do it.
    #[error(transparent)]
    NoEngine(#[from] NoEngine),
    /// Nodes that cannot be partitioned so.
    #[error(transparent)]
    NoShape(#[from] NoShape),
    /// A partition between nodes, with a single target to lower it for.
    #[error("a partition `between` nodes takes services of this experiment as its targets")]
    NodesNeeded,
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
        Fault::NetworkPartition(_) => network::partition::NAME,
        Fault::NetworkLatency(_) => network::latency::NAME,
        Fault::NetworkLoss(_) => network::loss::NAME,
        Fault::NetworkDuplication(_) => network::duplication::NAME,
        Fault::NetworkCorruption(_) => network::corruption::NAME,
        Fault::NetworkReordering(_) => network::reordering::NAME,
        Fault::NetworkRate(_) => network::rate::NAME,
        Fault::ConnectionReset(_) => connection_reset::NAME,
        Fault::DnsFailure(_) => dns_failure::NAME,
        Fault::HttpFault(_) => network::http_fault::NAME,
        Fault::TcpProxy(_) => network::tcp_proxy::NAME,
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
        Fault::NetworkPartition(fault) => network::partition::lower(fault, site, terms),
        Fault::NetworkLatency(fault) => network::latency::lower(fault, site, terms),
        Fault::NetworkLoss(fault) => network::loss::lower(fault, site, terms),
        Fault::NetworkDuplication(fault) => network::duplication::lower(fault, site, terms),
        Fault::NetworkCorruption(fault) => network::corruption::lower(fault, site, terms),
        Fault::NetworkReordering(fault) => network::reordering::lower(fault, site, terms),
        Fault::NetworkRate(fault) => network::rate::lower(fault, site, terms),
        Fault::ConnectionReset(reset) => connection_reset::lower(reset, site, terms),
        Fault::DnsFailure(failure) => Ok(dns_failure::lower(failure, site)),
        Fault::HttpFault(fault) => network::http_fault::lower(fault, site, terms),
        Fault::TcpProxy(fault) => network::tcp_proxy::lower(fault, site, terms),
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
        Act::Filter(filter) => network::partition::undo_in_words(filter.engine),
        Act::Shape(shape) => network::undo_in_words(shape),
        Act::Cut(cut) => connection_reset::undo_in_words(cut),
        Act::FailDns(_) => dns_failure::undo_in_words(),
        Act::Proxy(_) => network::proxied::undo_in_words(),
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
            json!({"http-fault": {"ports": [80], "abort": "reset"}}),
            json!({"tcp-proxy": {"ports": [80], "timeout": {}}}),
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
        http-fault K: our nft table deleted, the proxy and its connections closed; the kernel does so when the agent ends
        tcp-proxy K: our nft table deleted, the proxy and its connections closed; the kernel does so when the agent ends
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
