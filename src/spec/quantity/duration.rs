//! A length of time.

use std::fmt;
use std::str::FromStr;

use super::text::{scale, split_unit, text_quantity};

/// A length of time from 0 to 366 days: numbers with the units `ns`, `us`, `ms`, `s`, `m`, `h`,
/// `d`, the largest first, such as `250ms` or `1m30s`. A bare number is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];
const LONGEST: std::time::Duration = std::time::Duration::from_secs(366 * 86_400);

impl Duration {
    /// From whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(std::time::Duration::from_millis(millis))
    }

    /// From whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// As the standard library's type.
    #[must_use]
    pub const fn get(self) -> std::time::Duration {
        self.0
    }

    /// Whether it is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// In nanoseconds; a year fits.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "366 days in nanoseconds fit in 64 bits")]
    pub const fn as_nanos(self) -> u64 {
        self.0.as_nanos() as u64
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(duration.min(LONGEST))
    }
}

impl FromStr for Duration {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("`{text}` is no duration: {why}"));
        if text.is_empty() {
            return fail("it is empty; write one such as `250ms` or `1m30s`");
        }
        if text.starts_with('-') {
            return fail("it cannot be negative");
        }
        let (mut rest, mut nanos, mut ceiling) = (text, 0_u128, u64::MAX);
        while !rest.is_empty() {
            let Some((number, tail)) = split_unit(rest) else {
                return fail("write a number with a unit, such as `250ms` or `1m30s`");
            };
            let end = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(end);
            let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
                return fail(&unit_hint(unit));
            };
            if *factor >= ceiling {
                return fail("the units must go from the largest to the smallest");
            }
            ceiling = *factor;
            nanos = nanos.saturating_add(scale(number, *factor));
            rest = tail;
        }
        match u64::try_from(nanos).map(std::time::Duration::from_nanos) {
            Ok(duration) if duration <= LONGEST => Ok(Self(duration)),
            _ => fail("the longest is 366d"),
        }
    }
}

fn unit_hint(unit: &str) -> String {
    match unit {
        "" => "it has no unit; write `s`, `ms` or another".to_owned(),
        _ => format!("`{unit}` is no unit of time; they are ns, us, ms, s, m, h, d"),
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut nanos = self.as_nanos();
        if nanos == 0 {
            return formatter.write_str("0s");
        }
        for (unit, factor) in UNITS {
            if nanos >= factor {
                write!(formatter, "{}{unit}", nanos / factor)?;
                nanos %= factor;
            }
        }
        Ok(())
    }
}

text_quantity!(
    Duration,
    "a duration with its unit, such as `250ms` or `1m30s`",
    r"^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d))+$"
);
