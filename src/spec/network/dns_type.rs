//! Types of records of the domain name system.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A type of records that can be asked for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// Addresses of IPv4.
    A,
    /// Addresses of IPv6.
    Aaaa,
    /// Anything there is.
    Any,
    /// Another name for a name.
    Cname,
    /// How to reach a web server.
    Https,
    /// Mail servers.
    Mx,
    /// Rules to rewrite names, of telephony.
    Naptr,
    /// Name servers.
    Ns,
    /// Names of addresses.
    Ptr,
    /// Where a zone begins.
    Soa,
    /// Servers of a service, with their ports.
    Srv,
    /// How to reach a service.
    Svcb,
    /// Text.
    Txt,
}

impl RecordType {
    /// Its number on the wire (IANA, "DNS Parameters").
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::A => 1,
            Self::Ns => 2,
            Self::Cname => 5,
            Self::Soa => 6,
            Self::Ptr => 12,
            Self::Mx => 15,
            Self::Txt => 16,
            Self::Aaaa => 28,
            Self::Srv => 33,
            Self::Naptr => 35,
            Self::Svcb => 64,
            Self::Https => 65,
            Self::Any => 255,
        }
    }

    /// Whether records of this type are addresses.
    #[must_use]
    pub const fn is_address(self) -> bool {
        matches!(self, Self::A | Self::Aaaa)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&format!("{self:?}").to_uppercase())
    }
}
