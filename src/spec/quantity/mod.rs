//! Quantities with their units. Each is parsed from its text by its own type, so that a missing
//! unit, a typo or a sign is an error at its place and never a guess.

mod bit_rate;
mod cores;
mod duration;
mod exit_codes;
mod ip_network;
mod level;
mod name_pattern;
mod number;
mod one_or_many;
mod pattern;
mod percent;
mod pick;
mod port_range;
mod rate;
mod signal;
mod size;
mod statuses;
#[cfg(test)]
mod tests;
mod text;

pub use bit_rate::BitRate;
pub use cores::Cores;
pub use duration::Duration;
pub use exit_codes::ExitCodes;
pub use ip_network::IpNetwork;
pub use level::Level;
pub use name_pattern::NamePattern;
pub use number::Number;
pub use one_or_many::OneOrMany;
pub use pattern::Pattern;
pub use percent::{Correlation, Percent};
pub use pick::Pick;
pub use port_range::PortRange;
pub use rate::Rate;
pub use signal::Signal;
pub use size::Size;
pub use statuses::Statuses;
