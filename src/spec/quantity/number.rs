//! Figures with or without a unit.

use std::fmt;
use std::str::FromStr;

use super::text::{split_unit, text_quantity};
use super::{Duration, Percent, Size};

/// A figure to compare a probe's value with: a plain number, or one with a unit that is turned
/// into bytes (`200MiB`), seconds (`250ms`) or percent (`80%`).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Number(f64);

impl Number {
    /// The figure in its base unit.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl FromStr for Number {
    type Err = String;

    #[expect(clippy::cast_precision_loss, reason = "sizes are below 2^53")]
    fn from_str(text: &str) -> Result<Self, String> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        if let Some((_, "")) = split_unit(unsigned)
            && let Ok(number) = text.parse::<f64>()
            && number.is_finite()
        {
            return Ok(Self(number));
        }
        let size = Size::from_str(text).map(|size| size.bytes() as f64);
        let percent = || Percent::from_str(text).map(Percent::get);
        let seconds = || Duration::from_str(text).map(|duration| duration.get().as_secs_f64());
        size.or_else(|_| percent()).or_else(|_| seconds()).map(Self).map_err(|_| {
            format!("`{text}` is no number; write one such as `5`, `200MiB`, `80%` or `250ms`")
        })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

text_quantity!(Number, "a number, with or without a unit", r"^-?[0-9]", numbers);
