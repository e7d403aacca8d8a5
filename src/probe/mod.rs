//! Probes: what is measured, and the open loop that measures it. The only effects are connections
//! to the target and the commands of command probes.

mod command;
mod expectation;
mod failure;
mod growth;
mod http;
mod phases;
mod prober;
mod process;
mod reading;
mod ready;
mod sampler;
mod surroundings;
mod tcp;
mod timer;

pub use phases::Phases;
pub use prober::Prober;
pub use reading::Reading;
pub use ready::wait_ready;
pub use sampler::Sampler;
pub use surroundings::{MatchingProcesses, ServiceProcess, Surroundings};

#[cfg(test)]
mod fixture;
