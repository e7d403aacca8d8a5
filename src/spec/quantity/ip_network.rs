//! Addresses and networks.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::text::{digits, text_quantity};

/// An address or a network in CIDR notation, IPv4 or IPv6. The bits of the host are kept, so that
/// it can also stand for an interface's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IpNetwork {
    /// The address.
    pub address: IpAddr,
    /// The length of the network's prefix in bits.
    pub prefix: u8,
}

impl IpNetwork {
    /// A single address.
    #[must_use]
    pub const fn host(address: IpAddr) -> Self {
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }
}

impl FromStr for IpNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || {
            format!("`{text}` is no address or network; write one such as `10.0.0.7` or `fd00::/8`")
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(digits::<u8>(prefix).ok_or_else(fail)?)),
            None => (text, None),
        };
        let host = Self::host(address.parse().map_err(|_| fail())?);
        match prefix {
            Some(prefix) if prefix > host.prefix => {
                Err(format!("`{text}` is no network: the longest prefix is {}", host.prefix))
            }
            Some(prefix) => Ok(Self { prefix, ..host }),
            None => Ok(host),
        }
    }
}

impl fmt::Display for IpNetwork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::host(self.address) {
            write!(formatter, "{}", self.address)
        } else {
            write!(formatter, "{}/{}", self.address, self.prefix)
        }
    }
}

text_quantity!(
    IpNetwork,
    "an address or network, such as `10.0.0.0/8`",
    r"^[0-9a-fA-F:.]+(/[0-9]{1,3})?$"
);
