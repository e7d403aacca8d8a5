//! What an IP packet says of itself, as far as it takes to send it a second time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The protocol number of TCP, and its flags SYN and ACK.
const TCP: u8 = 6;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// The ends of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// Whom it is from.
    pub(super) source: IpAddr,
    /// Whom it is for.
    pub(super) destination: IpAddr,
    /// Whether it begins a TCP connection.
    pub(super) opens: bool,
    /// How long its IP header is, in bytes, without IPv6 extensions.
    pub(super) header: usize,
}

/// Reads a packet's header; `None` for what is no IP packet.
pub(super) fn label(packet: &[u8]) -> Option<Label> {
    match packet.first()? >> 4 {
        4 => ipv4(packet),
        6 => ipv6(packet),
        _ => None,
    }
}

fn ipv4(packet: &[u8]) -> Option<Label> {
    let fixed = packet.first_chunk::<20>()?;
    let [first, .., s0, s1, s2, s3, d0, d1, d2, d3] = *fixed;
    let header = usize::from(first & 0xf) * 4;
    let flags_and_offset = u16::from_be_bytes([*fixed.get(6)?, *fixed.get(7)?]);
    let first_fragment = flags_and_offset << 3 == 0;
    let opens = *fixed.get(9)? == TCP && first_fragment && is_opening(packet.get(header..)?);
    Some(Label {
        source: Ipv4Addr::new(s0, s1, s2, s3).into(),
        destination: Ipv4Addr::new(d0, d1, d2, d3).into(),
        opens,
        header,
    })
}

fn ipv6(packet: &[u8]) -> Option<Label> {
    let address = |from: usize| -> Option<IpAddr> {
        let bytes = packet.get(from..)?.first_chunk::<16>()?;
        Some(Ipv6Addr::from(*bytes).into())
    };
    let header = 40;
    let opens = *packet.get(6)? == TCP && is_opening(packet.get(header..)?);
    Some(Label { source: address(8)?, destination: address(24)?, opens, header })
}

fn is_opening(segment: &[u8]) -> bool {
    segment.get(13).is_some_and(|flags| flags & (SYN | ACK) == SYN)
}

/// Changes one bit behind the IP header, which a random number picks, as `sch_netem.c` does
/// (`netem_enqueue`): checksums are left as they are, so that the receiver notices. Headers of IP
/// are spared: with one broken the packet would not even get to its receiver.
pub(super) fn flip_bit(packet: &mut [u8], random: u64) {
    let header = label(packet).map_or(0, |label| label.header);
    let bits = packet.len().saturating_sub(header) as u64 * 8;
    let Some(bit) = random.checked_rem(bits).and_then(|bit| usize::try_from(bit).ok()) else {
        return; // There is nothing behind the header.
    };
    if let Some(byte) = packet.get_mut(header + bit / 8) {
        *byte ^= 1 << (bit % 8);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tcp4(flags: u8, offset: u8) -> Vec<u8> {
        let mut packet = vec![0; 40];
        packet[0] = 0x45;
        packet[7] = offset;
        packet[9] = TCP;
        packet[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        packet[33] = flags;
        packet
    }

    #[test]
    fn both_versions_are_read() {
        let four = label(&tcp4(SYN, 0)).unwrap();
        assert_eq!((four.source, four.destination), ([10, 0, 0, 1].into(), [10, 0, 0, 2].into()));
        let mut packet = vec![0; 60];
        packet[0] = 0x60;
        packet[6] = TCP;
        packet[23] = 1;
        packet[39] = 2;
        packet[53] = SYN;
        let six = label(&packet).unwrap();
        assert_eq!(
            (six.source.to_string(), six.destination.to_string()),
            ("::1".into(), "::2".into())
        );
        assert!(six.opens);
    }

    #[test]
    fn only_a_first_segment_opens() {
        assert!(label(&tcp4(SYN, 0)).unwrap().opens);
        assert!(!label(&tcp4(SYN | ACK, 0)).unwrap().opens);
        assert!(!label(&tcp4(SYN, 8)).unwrap().opens);
    }

    proptest! {
        #[test]
        fn exactly_one_bit_behind_the_header_flips(random: u64, length in 0usize..100) {
            let mut packet = tcp4(SYN, 0);
            packet.resize(20 + length, 0);
            let before = packet.clone();
            flip_bit(&mut packet, random);
            let flipped: u32 = before.iter().zip(&packet).map(|(a, b)| (a ^ b).count_ones()).sum();
            prop_assert_eq!(flipped, u32::from(length > 0));
            prop_assert_eq!(&before[..20], &packet[..20]);
        }

        #[test]
        fn nothing_makes_the_reader_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..60), random: u64) {
            let _ = label(&bytes);
            flip_bit(&mut bytes, random);
        }
    }
}
