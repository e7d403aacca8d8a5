//! The experiment file as written: types, units, positions. Pure.

mod addressing;
mod check;
mod complaint;
mod context;
mod expectation;
mod experiment;
mod fault;
mod hypothesis;
mod interpolate;
mod limits;
mod method;
mod mistakes;
pub mod modifier;
mod nearest;
mod network;
mod node;
mod parse;
mod path;
mod probe;
pub mod quantity;
mod schema;
mod secrets;
mod service;
mod source;
mod target;
pub mod template;
mod tolerance;
mod tree;
mod typed;
mod variable;

#[cfg(test)]
mod docs_tests;
#[cfg(test)]
mod mistakes_tests;
#[cfg(test)]
pub(crate) mod tests;

pub use addressing::{Addressing, NoAddress, Unaddressed, addressing};
pub use context::Context;
pub use expectation::{BodyExpectation, ExitExpectation, JsonExpectation, StatusExpectation};
pub use experiment::{Experiment, Name};
pub use fault::{
    Amount, CpuStress, DiskFill, Fault, PauseMethod, ProcessKill, ProcessPause, ProcessRestart,
};
pub use hypothesis::{Abort, Hypothesis, HypothesisProbe, Recovery};
pub use limits::{Allowance, BlastRadius};
pub use method::{MethodStep, Step};
pub use mistakes::Mistakes;
pub use modifier::{Pulse, Ramp};
pub use nearest::hint as nearest_word;
pub use network::{
    Bandwidth, Between, ConnectionReset, Direction, Distribution, DnsFailure, DnsMode, Engine,
    Existing, GilbertElliott, HeaderChange, HeldData, HttpAbort, HttpAnswer, HttpFault, HttpMatch,
    LateData, LimitData, Loss, Markov, NamedOrAny, NetworkCorruption, NetworkDuplication,
    NetworkLatency, NetworkLoss, NetworkPartition, NetworkRate, NetworkReordering, NewConnections,
    PartitionMode, Peers, Protocol, RecordType, RequestChange, ResetPeer, ResponseChange, Slicer,
    SlowClose, Stream, TcpProxy,
};
pub use parse::{assemble, parse, parse_settings};
pub use probe::{
    CommandExpectation, CommandProbe, HttpExpectation, HttpProbe, ProbeKind, ProcessMetric,
    ProcessProbe, TcpProbe,
};
pub use schema::schema;
pub use secrets::Secrets;
pub use service::{Network, Ready, Restart, Service, Stop};
pub use target::{ProcessSelector, ServiceSelector, Target};
pub use tolerance::{Bounds, Tolerance};
pub use variable::{Secret, Variable};
