//! Protocols above IP.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A protocol above IP.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP, and `ICMPv6` but for neighbour discovery, which is never touched.
    Icmp,
    /// SCTP.
    Sctp,
}
