//! How many of what matches.

use std::fmt;
use std::str::FromStr;

use super::Percent;
use super::text::{digits, text_quantity};

/// How many of the matching targets are hit: `one` (the default), `all`, a number, or a share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Pick {
    /// One, chosen by the seed.
    #[default]
    One,
    /// Every one.
    All,
    /// This many, chosen by the seed; it is an error if fewer match.
    Count(u32),
    /// This share, rounded down but at least one, chosen by the seed.
    Share(Percent),
}

impl FromStr for Pick {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "one" => Ok(Self::One),
            "all" => Ok(Self::All),
            "0" => Err("`0` picks nothing; the least is 1".to_owned()),
            _ if text.ends_with('%') => match Percent::from_str(text)? {
                share if share.get() > 0.0 => Ok(Self::Share(share)),
                _ => Err(format!("`{text}` picks nothing; it must be above 0%")),
            },
            _ => digits(text).filter(|count| *count > 0).map(Self::Count).ok_or_else(|| {
                format!(
                    "`{text}` is no choice; write `one`, `all`, a number or a share such as `50%`"
                )
            }),
        }
    }
}

impl fmt::Display for Pick {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One => formatter.write_str("one"),
            Self::All => formatter.write_str("all"),
            Self::Count(count) => write!(formatter, "{count}"),
            Self::Share(share) => write!(formatter, "{share}"),
        }
    }
}

text_quantity!(
    Pick,
    "`one`, `all`, a number or a share such as `50%`",
    r"^(one|all|[0-9]+|[0-9]+(\.[0-9]+)?%)$",
    numbers
);
