//! HTTP statuses.

use std::fmt;
use std::str::FromStr;

use super::text::{digits, text_quantity};

/// A set of HTTP statuses: `200`, `2xx`, `200-399`, or several of these with commas between, such
/// as `200,404`. `200-399` by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses(Vec<(u16, u16)>);

impl Statuses {
    /// Whether the status is one of them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

impl Default for Statuses {
    fn default() -> Self {
        Self(vec![(200, 399)])
    }
}

impl FromStr for Statuses {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(|part| range(part.trim())).collect::<Option<_>>().map(Self).ok_or_else(
            || format!("`{text}` is no HTTP status; write one such as `200`, `2xx` or `200-399`"),
        )
    }
}

fn range(text: &str) -> Option<(u16, u16)> {
    let status = |text: &str| digits(text).filter(|status| (100..=599).contains(status));
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = digits(class).filter(|class| (1..=5).contains(class))?;
        return Some((class * 100, class * 100 + 99));
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (status(first)?, status(last)?);
    (first <= last).then_some((first, last))
}

impl fmt::Display for Statuses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if first == last {
                write!(formatter, "{comma}{first}")?;
            } else {
                write!(formatter, "{comma}{first}-{last}")?;
            }
        }
        Ok(())
    }
}

text_quantity!(
    Statuses,
    "an HTTP status such as `200`, `2xx` or `200-399`",
    r"^[1-5]([0-9]{2}|xx)([-,][1-5]([0-9]{2}|xx))*$",
    numbers
);
