//! Sets of addresses and ports as `nf_tables` wants them: intervals, sorted, none touching another.

use std::net::IpAddr;

use super::super::attribute::Attributes;
use super::expression::{LIST_ELEMENT, data};
use crate::spec::quantity::{IpNetwork, PortRange};

/// `NFTA_SET_ELEM_KEY`, `NFTA_SET_ELEM_FLAGS`, and the flag of an interval's end.
const KEY: u16 = 1;
const FLAGS: u16 = 3;
const INTERVAL_END: u32 = 1;
/// How many bytes of elements fit one attribute, leaving room for the last one.
const CHUNK: usize = 60_000;

/// What a set holds; the number is nft's own for the data type, so that it prints it well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// IPv4 addresses.
    Ipv4,
    /// IPv6 addresses.
    Ipv6,
    /// Numbers of protocols above IP.
    Protocol,
    /// Ports.
    Port,
}

impl Key {
    pub(super) const fn data_type(self) -> u32 {
        match self {
            Self::Ipv4 => 7,
            Self::Ipv6 => 8,
            Self::Protocol => 12,
            Self::Port => 13,
        }
    }

    /// The length of a value, in bytes.
    pub(super) const fn length(self) -> u8 {
        match self {
            Self::Ipv4 => 4,
            Self::Ipv6 => 16,
            Self::Protocol => 1,
            Self::Port => 2,
        }
    }

    const fn greatest(self) -> u128 {
        u128::MAX >> (128 - 8 * self.length() as u32)
    }

    fn bytes(self, value: u128) -> Vec<u8> {
        let all = value.to_be_bytes();
        all.get(all.len() - usize::from(self.length())..).unwrap_or_default().to_vec()
    }
}

/// A set for one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) key: Key,
    /// First and last value of each interval.
    intervals: Vec<(u128, u128)>,
}

impl Set {
    fn new(key: Key, mut intervals: Vec<(u128, u128)>) -> Self {
        intervals.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(intervals.len());
        for (first, last) in intervals {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self { key, intervals: merged }
    }

    /// The IPv4 networks among these.
    pub(super) fn ipv4(networks: &[IpNetwork]) -> Self {
        let values = networks.iter().filter_map(|network| match network.address {
            IpAddr::V4(address) => Some(around(u128::from(u32::from(address)), 32, network.prefix)),
            IpAddr::V6(_) => None,
        });
        Self::new(Key::Ipv4, values.collect())
    }

    /// The IPv6 networks among these.
    pub(super) fn ipv6(networks: &[IpNetwork]) -> Self {
        let values = networks.iter().filter_map(|network| match network.address {
            IpAddr::V4(_) => None,
            IpAddr::V6(address) => Some(around(u128::from(address), 128, network.prefix)),
        });
        Self::new(Key::Ipv6, values.collect())
    }

    pub(super) fn ports(ports: &[PortRange]) -> Self {
        let values = ports.iter().map(|range| (range.first.into(), range.last.into()));
        Self::new(Key::Port, values.collect())
    }

    /// Protocols, each for itself.
    pub(super) fn protocols(protocols: &[u8]) -> Self {
        let values = protocols.iter().map(|number| (u128::from(*number), u128::from(*number)));
        Self::new(Key::Protocol, values.collect())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// The values of `NFTA_SET_ELEM_LIST_ELEMENTS`, in as many parts as it takes.
    pub(super) fn elements(&self) -> Vec<Attributes> {
        let mut parts = Vec::new();
        let mut part = Attributes::new();
        for (first, last) in &self.intervals {
            if part.len() > CHUNK {
                parts.push(std::mem::take(&mut part));
            }
            part = part.nest(LIST_ELEMENT, &self.element(*first));
            // The end is the first value that is outside; the last interval may have none.
            if *last < self.key.greatest() {
                let end = self.element(last + 1).be32(FLAGS, INTERVAL_END);
                part = part.nest(LIST_ELEMENT, &end);
            }
        }
        parts.push(part);
        parts
    }

    fn element(&self, value: u128) -> Attributes {
        Attributes::new().nest(KEY, &data(&self.key.bytes(value)))
    }
}

/// First and last address of the network of this prefix that the address is in.
fn around(address: u128, bits: u8, prefix: u8) -> (u128, u128) {
    let host = u32::from(bits.saturating_sub(prefix));
    let mask = 1u128.checked_shl(host).map_or(u128::MAX, |size| size - 1);
    (address & !mask, address | mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn networks(texts: &[&str]) -> Vec<IpNetwork> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn touching_and_overlapping_networks_become_one() {
        let set = Set::ipv4(&networks(&["10.0.1.0/24", "10.0.0.0/24", "10.0.0.7", "fd00::/8"]));
        assert_eq!(set.intervals, [(0x0a00_0000, 0x0a00_01ff)]);
    }

    #[test]
    fn everything_has_no_end() {
        let set = Set::ipv6(&networks(&["::/0"]));
        assert_eq!(set.intervals, [(0, u128::MAX)]);
        let element = Attributes::new().nest(KEY, &data(&[0; 16]));
        assert_eq!(set.elements(), [Attributes::new().nest(LIST_ELEMENT, &element)]);
    }

    #[test]
    fn many_networks_come_in_parts() {
        let many: Vec<IpNetwork> = (0..20_000u32)
            .map(|number| IpNetwork::host(IpAddr::from((number * 2).to_be_bytes())))
            .collect();
        let parts = Set::ipv4(&many).elements();
        assert!(parts.len() > 10);
        assert!(parts.iter().all(|part| part.len() < usize::from(u16::MAX)));
    }

    proptest! {
        #[test]
        fn merging_keeps_every_port(
            ranges in prop::collection::vec((1u16.., 0u16..300), 1..20), port in 1u16..
        ) {
            let ranges: Vec<PortRange> = ranges
                .into_iter()
                .map(|(first, more)| PortRange { first, last: first.saturating_add(more) })
                .collect();
            let asked = ranges.iter().any(|range| (range.first..=range.last).contains(&port));
            let set = Set::ports(&ranges);
            let port = u128::from(port);
            let held = set.intervals.iter().any(|(first, last)| (*first..=*last).contains(&port));
            prop_assert_eq!(held, asked);
            prop_assert!(set.intervals.is_sorted_by(|one, next| one.1 + 1 < next.0));
        }
    }
}
