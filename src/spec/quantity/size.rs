//! Amounts of memory and disk.

use std::fmt;
use std::str::FromStr;

use super::text::{scale, split_unit, text_quantity};

/// Bytes, with the unit: `B`, `kB`, `MB`, `GB`, `TB` (powers of 1000), `KiB`, `MiB`, `GiB`, `TiB`
/// (powers of 1024).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(u64);

const UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("kB", 1_000),
    ("B", 1),
];

impl Size {
    /// From bytes.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("`{text}` is no size: {why}"));
        let Some((number, unit)) = split_unit(text) else {
            return fail("write one such as `500MB` or `1GiB`");
        };
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return fail(&if unit.is_empty() {
                "it has no unit; write one such as `500MB` or `1GiB`".to_owned()
            } else {
                format!("`{unit}` is no unit; they are B, kB, MB, GB, TB, KiB, MiB, GiB, TiB")
            });
        };
        match u64::try_from(scale(number, *factor)) {
            Ok(bytes) if bytes <= 1 << 53 => Ok(Self(bytes)),
            _ => fail("the largest is 8192TiB"),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, factor): &&(&str, u64)| self.0 >= *factor && self.0.is_multiple_of(*factor);
        match UNITS.iter().find(fits) {
            Some((unit, factor)) => write!(formatter, "{}{unit}", self.0 / factor),
            None => write!(formatter, "{}B", self.0),
        }
    }
}

text_quantity!(
    Size,
    "a size with its unit, such as `500MB` or `1GiB`",
    r"^[0-9]+(\.[0-9]+)?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)$"
);
