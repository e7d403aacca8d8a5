//! What carries a network fault out.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What carries a network fault out. Several can do the same; they differ in what they need of the
/// kernel, in how exact they are, and in what is left when both our processes are killed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// The kernel's network emulator, `sch_netem`. Class G.
    Netem,
    /// A packet queue to the agent, for kernels without `sch_netem`. Class K.
    Queue,
    /// A packet filter of `nf_tables` in a table that the agent owns. Class K.
    Nft,
    /// The kernel's token bucket, `sch_tbf`, for rates. Class G.
    Tbf,
    /// A chain of `iptables`, where `nf_tables` has no owned tables. Class G.
    Iptables,
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Netem => "netem",
            Self::Queue => "queue",
            Self::Nft => "nft",
            Self::Tbf => "tbf",
            Self::Iptables => "iptables",
        })
    }
}
