//! Ports.

use std::fmt;
use std::str::FromStr;

use super::text::{digits, text_quantity};

/// A port, or a range such as `8000-8080` with both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortRange {
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fail = || format!("`{text}` is no port; write one such as `443` or `8000-8080`");
        let port = |text: &str| digits::<u16>(text).filter(|port| *port > 0).ok_or_else(fail);
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (port(first)?, port(last)?),
            None => (port(text)?, port(text)?),
        };
        if first > last {
            return Err(format!("`{text}` is no range of ports: its end is before its start"));
        }
        Ok(Self { first, last })
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(formatter, "{}", self.first)
        } else {
            write!(formatter, "{}-{}", self.first, self.last)
        }
    }
}

text_quantity!(PortRange, "a port or a range such as `8000-8080`", r"^[0-9]+(-[0-9]+)?$", numbers);
