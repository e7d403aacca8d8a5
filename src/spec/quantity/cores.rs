//! How many processors.

use std::fmt;
use std::str::FromStr;

use super::text::{digits, text_quantity};

/// A number of processors from 1 to 4096, or `all` that the target may use (the default).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cores {
    /// All that the target may use, by its affinity, cpuset and quota.
    #[default]
    All,
    /// This many.
    Count(u16),
}

impl FromStr for Cores {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, digits(text)) {
            ("all", _) => Ok(Self::All),
            (_, Some(count)) if (1..=4096).contains(&count) => Ok(Self::Count(count)),
            _ => Err(format!("`{text}` is no number of processors; write `all` or 1 to 4096")),
        }
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.write_str("all"),
            Self::Count(count) => write!(formatter, "{count}"),
        }
    }
}

text_quantity!(Cores, "`all` or a number of processors", r"^(all|[0-9]+)$", numbers);
