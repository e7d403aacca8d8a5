//! The other end of a connection.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Name;
use super::super::quantity::{IpNetwork, PortRange};
use super::Protocol;

/// A description of packets. Within a list one match is enough, and one left out means any; of
/// `services`, `addresses` and `hosts` together one is enough; everything else must match too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Peers {
    /// Services of this experiment with a network of their own.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub services: Vec<Name>,
    /// Addresses and networks, IPv4 and IPv6.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub addresses: Vec<IpNetwork>,
    /// Host names, resolved where the target lives, all their addresses, followed while the fault lasts.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub hosts: Vec<String>,
    /// TCP and UDP ports of the peer, or of the target for what it serves.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub ports: Vec<PortRange>,
    /// TCP and UDP ports of the target.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub local_ports: Vec<PortRange>,
    /// TCP and UDP ports of the peer.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub remote_ports: Vec<PortRange>,
    /// Protocols.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "super::list::not_empty"
    )]
    pub protocols: Vec<Protocol>,
}
