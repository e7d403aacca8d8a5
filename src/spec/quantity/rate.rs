//! How often.

use std::fmt;
use std::str::FromStr;

use super::text::{number_and_unit, text_quantity};

/// How often something happens: `50/s`, `30/m` or `100/h`, from one an hour to 10000 a second. `10/s` by default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    count: f64,
    unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Second,
    Minute,
    Hour,
}

impl Unit {
    const fn seconds(self) -> f64 {
        match self {
            Self::Second => 1.0,
            Self::Minute => 60.0,
            Self::Hour => 3600.0,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Second => 's',
            Self::Minute => 'm',
            Self::Hour => 'h',
        }
    }
}

impl Rate {
    /// The time from one to the next.
    #[must_use]
    pub fn period(self) -> std::time::Duration {
        std::time::Duration::from_secs_f64(self.unit.seconds() / self.count)
    }

    /// How often in a second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        self.count / self.unit.seconds()
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self { count: 10.0, unit: Unit::Second }
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("`{text}` is no rate: {why}"));
        let (count, unit) = match number_and_unit(text) {
            Some((count, "/s")) => (count, Unit::Second),
            Some((count, "/m")) => (count, Unit::Minute),
            Some((count, "/h")) => (count, Unit::Hour),
            Some((_, "")) => return fail("it has no unit; write one such as `50/s`"),
            _ => return fail("write one such as `50/s`, `30/m` or `100/h`"),
        };
        let rate = Self { count, unit };
        if count <= 0.0 {
            return fail("it must be above zero");
        }
        if rate.per_second() < 1.0 / Unit::Hour.seconds() {
            return fail("the lowest is 1/h");
        }
        if rate.per_second() > 10_000.0 {
            return fail("the highest is 10000/s");
        }
        Ok(rate)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.count, self.unit.letter())
    }
}

text_quantity!(Rate, "a rate such as `50/s`, `30/m` or `100/h`", r"^[0-9]+(\.[0-9]+)?/(s|m|h)$");
