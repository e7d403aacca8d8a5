//! Addresses and networks.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
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

    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix);
                let differ = u32::from(network) ^ u32::from(address);
                differ.checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix);
                let differ = u128::from(network) ^ u128::from(address);
                differ.checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl IpNetwork {
    /// The network it is in: the same without the bits of the host.
    #[must_use]
    pub const fn network(self) -> Self {
        let address = match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.unbounded_shl(32_u32.saturating_sub(self.prefix as u32));
                IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & mask))
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.unbounded_shl(128_u32.saturating_sub(self.prefix as u32));
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
            }
        };
        Self { address, prefix: self.prefix }
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
