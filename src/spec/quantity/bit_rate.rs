//! How much data in a second.

use std::fmt;
use std::str::FromStr;

use super::text::{scale, split_unit, text_quantity};

/// Data in a second, with the unit spelled out: `bit/s`, `kbit/s`, `Mbit/s`, `Gbit/s`, or in bytes
/// `B/s`, `kB/s`, `MB/s`, `GB/s`; powers of 1000. Never `bps`, which means bits to some and bytes to tc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRate(u64);

const UNITS: [(&str, u64); 8] = [
    ("GB/s", 8_000_000_000),
    ("MB/s", 8_000_000),
    ("kB/s", 8_000),
    ("B/s", 8),
    ("Gbit/s", 1_000_000_000),
    ("Mbit/s", 1_000_000),
    ("kbit/s", 1_000),
    ("bit/s", 1),
];
/// What `tbf` and `netem` can count without overflow.
const LARGEST: u64 = 1_000_000_000_000;

impl BitRate {
    /// From bits per second.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// In bits per second.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// In whole bytes per second, at least one.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        if self.0 < 8 { 1 } else { self.0 / 8 }
    }
}

impl FromStr for BitRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("`{text}` is no data rate: {why}"));
        let Some((number, unit)) = split_unit(text) else {
            return fail("write one such as `10Mbit/s` or `500kB/s`");
        };
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return fail("the units are bit/s, kbit/s, Mbit/s, Gbit/s, B/s, kB/s, MB/s, GB/s");
        };
        match u64::try_from(scale(number, *factor)) {
            Ok(0) => fail("it must be above zero"),
            Ok(bits) if bits <= LARGEST => Ok(Self(bits)),
            _ => fail("the largest is 1000Gbit/s"),
        }
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_bits = |(name, factor): &&(&str, u64)| {
            name.ends_with("bit/s") && self.0.is_multiple_of(*factor)
        };
        let (unit, factor) = UNITS.iter().find(in_bits).unwrap_or(&("bit/s", 1));
        write!(formatter, "{}{unit}", self.0 / factor)
    }
}

text_quantity!(
    BitRate,
    "a data rate with its unit, such as `10Mbit/s` or `500kB/s`",
    r"^[0-9]+(\.[0-9]+)?(bit|kbit|Mbit|Gbit|B|kB|MB|GB)/s$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_bytes_are_told_apart() {
        for (text, bits, shown) in [
            ("10Mbit/s", 10_000_000, "10Mbit/s"),
            ("500kB/s", 4_000_000, "4Mbit/s"),
            ("1.5kbit/s", 1_500, "1500bit/s"),
            ("1GB/s", 8_000_000_000, "8Gbit/s"),
        ] {
            let rate: BitRate = text.parse().unwrap();
            assert_eq!((rate.bits(), rate.to_string().as_str()), (bits, shown), "{text}");
        }
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for text in ["10", "10bps", "10mbit", "10Mbps", "0bit/s", "2000Gbit/s", "-1bit/s"] {
            assert!(text.parse::<BitRate>().is_err(), "{text}");
        }
    }
}
