//! Shares of a hundred.

use std::fmt;
use std::str::FromStr;

use super::text::{number_and_unit, text_quantity};

/// A share from `0%` to `100%`, with its sign.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Percent(f64);

/// How much a value depends on the one before, from `0%` (the default) to `100%`.
pub type Correlation = Percent;

impl Percent {
    /// All of it.
    pub const HUNDRED: Self = Self(100.0);

    /// The share nearest to a number of hundredths, from 0 to 100.
    #[must_use]
    pub const fn nearest(percent: f64) -> Self {
        Self(percent.clamp(0.0, 100.0))
    }

    /// From 0 to 100.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// From 0 to 1.
    #[must_use]
    pub fn fraction(self) -> f64 {
        self.0 / 100.0
    }
}

impl FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match number_and_unit(text) {
            Some((number, "%")) if number <= 100.0 => Ok(Self(number)),
            Some((_, "%")) => Err(format!("`{text}` is no share: the largest is 100%")),
            Some((_, "")) => Err(format!("`{text}` is no share: it has no unit; write `{text}%`")),
            _ => Err(format!("`{text}` is no share; write one such as `50%`")),
        }
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}%", self.0)
    }
}

text_quantity!(Percent, "a share from `0%` to `100%`", r"^[0-9]+(\.[0-9]+)?%$");
